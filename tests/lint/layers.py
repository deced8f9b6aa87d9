"""The arrows of the design: which folder may include which, what the sans-IO folders must not touch, and ASCII sources.

Prints file:line: why, exits 1 on any.
"""

import pathlib
import re
import sys

# folder -> folders of ours it may include (itself always; base always)
ALLOWED = {
    "base": set(),
    "otlp": set(),
    "net": set(),
    "journal": {"otlp"},
    "rollbar": {"otlp"},
    "destination": {"net", "otlp", "batch", "rollbar"},
    "aws": {"net", "destination", "otlp"},
    "batch": {"otlp", "journal", "destination"},
    "config": set(),
    "export": {"destination", "batch", "journal", "net", "otlp"},
    "admit": {"journal", "otlp", "destination"},
    "receive": {"admit", "otlp", "destination"},
    "hive": {"net", "otlp"},
    "admin": {"config", "otlp"},
    "demo": {"admin", "otlp"},
    "tools": {"admin", "config", "journal", "otlp"},
    "doctor": {"app", "aws", "config", "destination", "journal", "net", "otlp", "tools"},
    "app": {"admin", "admit", "aws", "config", "destination", "export", "hive", "journal", "net", "otlp", "receive"},
}
# plain headers that any folder may use: they are values, not parts
ANYONE = {"otlp/signal.h", "otlp/encoding.h", "net/message.h", "journal/record.h", "config/config.h", "config/exit_codes.h"}
SANS_IO_FOLDERS = {"otlp", "batch", "destination", "journal", "config", "rollbar"}
SANS_IO_FILES = {"export/delivery", "export/retry", "export/breaker", "base/ledger", "base/budget", "base/bytes",
                 "base/inflate", "base/compress", "admit/prepare"} | {
    f"aws/{name}" for name in ("chain", "container", "environment", "imds", "instant", "json_read", "keys", "metadata", "profile",
                               "region", "schedule", "sts", "xml_fields")}
IO_HEADER = re.compile(r"<(boost/(asio|beast)|grpc|sys/socket|netinet|fstream|unistd|fcntl)")
BANNED = [
    (re.compile(r"::now\s*\("), "a clock is read: time is an argument here"),
    (re.compile(r"\b(random_device|std::rand)\b"), "randomness is an argument here"),
    (re.compile(r"\bgetenv\b"), "the environment is read: config hands settings in"),
    (re.compile(r"\bstd::(mutex|thread)\b"), "no locks and threads here"),
]
INCLUDE = re.compile(r'#include\s+("([^"]+)"|<[^>]+>)')


def is_sans_io(name: str, folder: str) -> bool:
    if folder == "config":
        return name.split(".")[0] not in {"config/watch", "config/sources"}
    if name.split(".")[0] in {"journal/posix_files", "journal/committer"}:
        return False
    return folder in SANS_IO_FOLDERS or name.split(".")[0] in SANS_IO_FILES


def main() -> int:
    root = pathlib.Path(__file__).resolve().parents[2]
    proxy = root / "proxy"
    found = 0

    def report(path: pathlib.Path, line: int, why: str) -> None:
        nonlocal found
        found += 1
        print(f"{path.relative_to(root)}:{line}: {why}")

    for path in sorted([*proxy.glob("*/*.cpp"), *proxy.glob("*/*.h")]):
        name = str(path.relative_to(proxy))
        folder = name.split("/")[0]
        sans_io = is_sans_io(name, folder)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.isascii():
                report(path, number, "not ASCII")
            include = INCLUDE.match(line)
            if include and include.group(2):
                target = include.group(2)
                to = target.split("/")[0]
                if to not in {folder, "base"} and target not in ANYONE and to not in ALLOWED.get(folder, set()):
                    report(path, number, f"{folder}/ must not include {target}")
            if not sans_io:
                continue
            if include and IO_HEADER.search(line):
                report(path, number, f"a sans-IO file must not include {include.group(1)}")
            code = line.split("//")[0]
            for pattern, why in BANNED:
                if pattern.search(code):
                    report(path, number, why)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
