"""Starts the real binary with a given environment on ports of the system's choice, and waits on conditions, never on time."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LISTENING = re.compile(r"listening (otlp/http|otlp/grpc|admin|xray-daemon) (?:http://)?(\S+):(\d+)")
NOT_DELIVERED = ("rejected", "quarantined", "expired", "filtered", "lost", "held")

EXIT_OK, EXIT_FAILURE, EXIT_USAGE, EXIT_UNAVAILABLE, EXIT_INTERRUPTED, EXIT_LOST = 0, 1, 64, 69, 75, 76


def binary() -> Path | None:
    """$FORAGER_BIN, else the newer of the Release and the Debug build; None: there is none."""
    if named := os.environ.get("FORAGER_BIN"):
        return Path(named).resolve()
    built = [ROOT / "build/forager", ROOT / "build-debug/forager"]
    there = [each for each in built if each.exists()]
    return max(there, key=lambda each: each.stat().st_mtime, default=None)


def clean_environment(**settings: str) -> dict[str, str]:
    """Nothing of this machine but the path: what is tested is what is given."""
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", **settings}


def run(*arguments: str, timeout: float = 20, **settings: str) -> subprocess.CompletedProcess[str]:
    """One command of the binary, to its end."""
    return subprocess.run(
        [str(binary()), *arguments],
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def wait_until(condition: Callable[[], Any], timeout: float, what: str, every: float = 0.02) -> Any:
    """Looks again and again at something outside this process that can't call us; returns what it found."""
    end = time.monotonic() + timeout
    tick = threading.Event()
    while True:
        if found := condition():
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        tick.wait(every)


@dataclass(frozen=True)
class Line:
    stream: str  # stdout or stderr
    text: str
    at: float  # time.monotonic()


class Forager:
    """A running `forager`. `settings` are its environment; the three listeners are on ephemeral ports unless given, and its journal is
    on disk, in a directory of its own that goes with it, unless FORAGER_DATA_DIR or FORAGER_JOURNAL=memory is given."""

    def __init__(self, *arguments: str, **settings: str) -> None:
        listen = {f"FORAGER_{name}_LISTEN": "127.0.0.1:0" for name in ("OTLP_HTTP", "OTLP_GRPC", "ADMIN")}
        # no question to the machine that the tests happen to run on; a test that has an endpoint says so
        self.settings = {"FORAGER_ENRICH": "env,ecs,k8s"} | listen | settings
        self._own_directory: tempfile.TemporaryDirectory | None = None
        if "FORAGER_DATA_DIR" not in settings and settings.get("FORAGER_JOURNAL") != "memory":
            self._own_directory = tempfile.TemporaryDirectory(prefix="forager-data-")
            self.settings["FORAGER_DATA_DIR"] = self._own_directory.name
        self.lines: list[Line] = []
        self._changed = threading.Condition()
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [str(binary()), *arguments],
            env=clean_environment(**self.settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("stdout", self.process.stdout), ("stderr", self.process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str, stream) -> None:
        for text in stream:
            with self._changed:
                self.lines.append(Line(name, text.rstrip("\n"), time.monotonic()))
                self._changed.notify_all()

    # What it says

    @property
    def output(self) -> str:
        with self._changed:
            return "\n".join(line.text for line in self.lines)

    def wait_for_line(self, pattern: str, timeout: float = 10, count: int = 1) -> list[Line]:
        """The first `count` lines that match. AssertionError with the output if it ends or doesn't say it."""
        expression = re.compile(pattern)

        def found() -> list[Line]:
            return [line for line in self.lines if expression.search(line.text)][:count]

        with self._changed:
            end = time.monotonic() + timeout
            while len(found()) < count:
                ended = self.process.poll() is not None and not any(reader.is_alive() for reader in self._readers)
                if ended or time.monotonic() > end:
                    state = f"ended with {self.process.returncode}" if ended else "is running"
                    raise AssertionError(
                        f"no line like {pattern!r} within {timeout} s; it {state} and said:\n{self.output}"
                    )
                self._changed.wait(0.05)
            return found()

    def wait_ready(self, timeout: float = 10) -> Forager:
        """All listeners that aren't off are bound, and /readyz says so."""
        wanted = sum(value != "off" for name, value in self.settings.items() if name.endswith("_LISTEN"))
        self.wait_for_line(LISTENING.pattern, timeout, wanted)
        if self.settings["FORAGER_ADMIN_LISTEN"] != "off":
            wait_until(lambda: self.get("/readyz")[0] == 200, timeout, "/readyz")
        return self

    def _port(self, name: str) -> int:
        for line in self.wait_for_line(rf"listening {name} "):
            return int(LISTENING.search(line.text).group(3))
        raise AssertionError(name)

    @property
    def http_port(self) -> int:
        return self._port("otlp/http")

    @property
    def grpc_port(self) -> int:
        return self._port("otlp/grpc")

    @property
    def admin_port(self) -> int:
        return self._port("admin")

    @property
    def endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self.http_port}"

    # Its admin port

    def get(self, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.admin_port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _json(self, path: str) -> Any:
        status, body = self.get(path)
        assert status == 200, f"{path}: {status} {body!r}"
        return json.loads(body)

    def ledger(self) -> dict[str, Any]:
        return self._json("/ledger")

    def status(self) -> dict[str, Any]:
        return self._json("/status")

    def metrics(self) -> dict[str, float]:
        """Every sample of the Prometheus page by its name with labels."""
        status, body = self.get("/metrics")
        assert status == 200
        samples = (line for line in body.decode().splitlines() if line and line[0] != "#")
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in samples)}

    def destination(self, name: str = "honeycomb") -> dict[str, Any]:
        return next(each for each in self.status()["destinations"] if each["name"] == name)

    def book(self, signal: str = "traces", destination: str = "honeycomb") -> dict[str, int]:
        """The states of a destination's items; empty before it has a book."""
        for each in self.ledger()["destinations"]:
            if (each["destination"], each["signal"]) == (destination, signal):
                return each
        return {}

    def wait_for_book(self, timeout: float = 15, signal: str = "traces", **wanted: int) -> dict[str, int]:
        """Until those states have those numbers: `held=0, delivered=5`."""

        def right() -> dict[str, int] | None:
            book = self.book(signal)
            return book if all(book.get(name) == value for name, value in wanted.items()) else None

        try:
            return wait_until(right, timeout, f"a ledger with {wanted}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.book(signal)}, {self.destination()}") from error

    def wait_settled(self, timeout: float = 15) -> None:
        """Nothing is held for any destination."""

        def settled() -> bool:
            return all(each["held"] == 0 for each in self.ledger()["destinations"])

        wait_until(settled, timeout, "nothing held any more")

    # The process

    def _memory(self, name: str) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M).group(1)) * 1024

    @property
    def rss(self) -> int:
        return self._memory("VmRSS")

    @property
    def peak_rss(self) -> int:
        return self._memory("VmHWM")

    @property
    def sanitized(self) -> bool:
        """Sanitizers keep shadow memory and freed blocks: figures of memory and time mean nothing then."""
        return b"__asan_init" in binary().read_bytes() or b"__tsan_init" in binary().read_bytes()

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, timeout: float = 20) -> int:
        """The exit code; all output has been read."""
        code = self.process.wait(timeout)
        for reader in self._readers:
            reader.join(5)
        if self._own_directory is not None:
            self._own_directory.cleanup()
        return code

    def terminate(self, timeout: float = 20) -> int:
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self) -> None:
        self.process.kill()
        self.wait()
