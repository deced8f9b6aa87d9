"""Forms of co_await that gcc 12 miscompiles or that lose data on Boost 1.81. Prints file:line: why, exits 1 on any."""

import pathlib
import re
import sys

RULES = [
    (r"\?[^;:]*co_await|co_await[^;?]*\?[^;]*:", "await in a ternary"),
    (r"co_await[^;]*\[[^\]]*\]\s*(\(|mutable|\{|->)", "lambda in an awaited expression"),
    (r"co_await[^;{]*\b[A-Z]\w*\s*\{|co_await[^;]*\(\s*\{", "braced temporary in an awaited expression"),
    (r"\basio::detached\b", "asio::detached swallows exceptions: use spawn()"),
    (r"experimental::(basic_)?channel", "Boost 1.81's channel loses buffered items when closed"),
    (r"awaitable_operators", "a || b loses data when both complete in one turn"),
]
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')


CONDITION = re.compile(r"\b(if|switch|while|for)\s*\(")


def conditions(text: str):
    """Where each condition begins, and its text up to the matching parenthesis."""
    for match in CONDITION.finditer(text):
        depth, end = 1, match.end()
        while depth and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield match.start(), text[match.start() : end]


def blank(match: re.Match) -> str:
    return re.sub(r"[^\n]", " ", match.group(0))


def main() -> int:
    root = pathlib.Path(__file__).resolve().parents[2]
    found = 0
    for path in sorted([*root.glob("proxy/**/*.cpp"), *root.glob("proxy/**/*.h")]):
        text = STRING.sub(blank, COMMENT.sub(blank, path.read_text()))
        hits = [(m.start(), m.group(0), why) for pattern, why in RULES for m in re.finditer(pattern, text)]
        hits += [(at, words, "await in a condition") for at, words in conditions(text) if "co_await" in words]
        for at, words, why in hits:
            line = text[:at].count("\n") + 1
            print(f"{path.relative_to(root)}:{line}: {why}: {' '.join(words.split())[:70]}")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
