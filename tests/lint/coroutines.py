"""Forms of co_await that gcc 12 miscompiles or that lose data on Boost 1.81. Prints file:line: why, exits 1 on any."""

import pathlib
import re
import sys

RULES = [
    (r"\b(if|switch|while|for)\s*\((?:(?!;)[^{}])*co_await", "await in a condition"),
    (r"\?[^;:]*co_await|co_await[^;?]*\?[^;]*:", "await in a ternary"),
    (r"co_await[^;]*\[[^\]]*\]\s*(\(|mutable|\{|->)", "lambda in an awaited expression"),
    (r"co_await[^;{]*\b[A-Z]\w*\s*\{|co_await[^;]*\(\s*\{", "braced temporary in an awaited expression"),
    (r"\basio::detached\b", "asio::detached swallows exceptions: use spawn()"),
    (r"experimental::(basic_)?channel", "Boost 1.81's channel loses buffered items when closed"),
    (r"awaitable_operators", "a || b loses data when both complete in one turn"),
]
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')


def blank(match: re.Match) -> str:
    return re.sub(r"[^\n]", " ", match.group(0))


def main() -> int:
    root = pathlib.Path(__file__).resolve().parents[2]
    found = 0
    for path in sorted([*root.glob("proxy/**/*.cpp"), *root.glob("proxy/**/*.h")]):
        text = STRING.sub(blank, COMMENT.sub(blank, path.read_text()))
        for pattern, why in RULES:
            for match in re.finditer(pattern, text):
                line = text[: match.start()].count("\n") + 1
                print(f"{path.relative_to(root)}:{line}: {why}: {' '.join(match.group(0).split())[:70]}")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
