"""Reads a Markdown page as a series of blocks to run, and runs them as a reader would.

Fenced `sh` blocks run in order, from the root of the repository. An HTML comment right above a block says otherwise:

<!-- test: background -->              runs until the end of the page; later `expect`s without a name look at its output, too
<!-- test: background until COMMAND --> the same, and goes on once COMMAND succeeds
<!-- test: instead: COMMAND -->        COMMAND runs instead (what it would fetch is there already)
<!-- test: fails with CODE -->         has this exit code, and may
<!-- test: skip because REASON -->     isn't run

Above a `text` block:
<!-- test: expect -->                  its lines come in this order in the output of the last block, or of a background block
<!-- test: expect from COMMAND -->     in the output of the background block that begins with COMMAND

Times, ids and numbers of five and more digits compare as equal, and `...` stands for anything.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORTS = (4317, 4318, 13133, 8000)  # of the documentation; nothing else in the tests uses them
BLOCK = re.compile(r"(?:^<!-- test: (?P<how>[^\n]*?) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    how: str  # of the comment above; empty: none
    line: int

    @property
    def runs(self) -> bool:
        return self.language == "sh" and not self.how.startswith("skip because ")


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(found["language"], found["text"], found["how"] or "", text[: found.start("language")].count("\n") + 1)
        for found in BLOCK.finditer(text)
    ]


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]


def taken_ports() -> list[int]:
    taken = []
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                taken.append(port)
    return taken


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


def shape(line: str) -> str:
    """What is the same each time: counts are, times and ids are not."""
    line = re.sub(r"\b([0-9a-f]{8}|[0-9a-f]{32})\b", "ID", line.strip())
    line = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z|\d\d:\d\d:\d\d", "TIME", line)
    line = re.sub(r"\b\d+(\.\d+)? (us|ms|s)\b", "DURATION", line)
    return re.sub(r"\s+", " ", re.sub(r"\b\d{5,}\b", "NUMBER", line))


def first_missing(expected: str, output: str) -> str | None:
    """The first of the expected lines that doesn't come, in order; None: all are there."""
    lines = iter([shape(each) for each in output.splitlines()])
    for line in expected.splitlines():
        if not line.strip() or ("[::1]" in line and not has_ipv6()):
            continue
        pattern = re.compile(".*".join(map(re.escape, shape(line).split("..."))))
        if not any(pattern.fullmatch(each) for each in lines):
            return line
    return None


@dataclass
class Background:
    command: str
    process: subprocess.Popen
    file: Path

    @property
    def output(self) -> str:
        return self.file.read_text(errors="replace")

    def stop(self) -> int:
        """As Ctrl-C does."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return self.process.wait()


@dataclass
class Reader:
    """Does what a page says. `environment` is all that its commands see."""

    page: Path
    directory: Path
    environment: dict[str, str]
    last: str = ""
    running: list[Background] = field(default_factory=list)
    ran: int = 0

    def where(self, block: Block) -> str:
        return f"{self.page.relative_to(ROOT)}, line {block.line}"

    def follow(self, block: Block) -> None:
        if block.runs:
            self.run(block)
        elif block.language == "text" and block.how.startswith("expect"):
            self.expect(block)
        else:
            assert not block.how or block.language == "sh", f"{self.where(block)}: what is {block.how!r}?"

    def run(self, block: Block) -> None:
        self.ran += 1
        if block.how.startswith("background"):
            self.start(block)
            return
        command, code = block.text, 0
        if block.how.startswith("instead: "):
            command = block.how.removeprefix("instead: ")
        elif block.how.startswith("fails with "):
            code = int(block.how.removeprefix("fails with "))
        else:
            assert not block.how, f"{self.where(block)}: what is {block.how!r}?"
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=ROOT, env=self.environment, timeout=30,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # fmt: skip
        self.last = done.stdout
        assert done.returncode == code, f"{self.where(block)}: exit code {done.returncode}:\n{command}\n{done.stdout}"

    def start(self, block: Block) -> None:
        with tempfile.NamedTemporaryFile(dir=self.directory, delete=False) as output:
            process = subprocess.Popen(["bash", "-c", f"exec env {block.text}"], cwd=ROOT, env=self.environment,
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip
        it = Background(block.text, process, Path(output.name))
        self.running.append(it)
        self.last = ""
        until = block.how.removeprefix("background").strip().removeprefix("until ").strip()
        until = until or "curl -fs localhost:13133/readyz"

        def up() -> bool:
            assert process.poll() is None, f"{self.where(block)}: ended with {process.returncode}:\n{it.output}"
            return subprocess.run(["bash", "-c", until], env=self.environment, capture_output=True, check=False).returncode == 0

        self.wait(up, f"{self.where(block)}: `{until}` to succeed", lambda: it.output)

    def expect(self, block: Block) -> None:
        named = block.how.removeprefix("expect").strip().removeprefix("from ").strip()
        of = [each for each in self.running if each.command.startswith(named)]

        def there() -> bool:
            outputs = [] if named else [self.last]
            return any(first_missing(block.text, each) is None for each in [*outputs, *(it.output for it in of)])

        def shown() -> str:
            seen = "\n---\n".join([self.last, *(each.output for each in of)])
            return f"first missing: {first_missing(block.text, seen)}\nshown:\n{seen}"

        self.wait(there, f"{self.where(block)}: its lines", shown)

    def wait(self, condition, what: str, shown) -> None:
        end = time.monotonic() + 15
        while not condition():
            assert time.monotonic() < end, f"waited 15 s for {what}; {shown()}"
            time.sleep(0.05)  # between looks at the files and ports of other processes, which can't tell us; no outcome hangs on it

    def stop(self) -> list[tuple[Background, int]]:
        """In the order in which an orchestrator would: the last started first."""
        return [(each, each.stop()) for each in reversed(self.running)]
