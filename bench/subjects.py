"""What the bench starts: the destination, the processes under test, and the load."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("FORAGER_BUILD", ROOT / "build"))
sys.path.insert(0, str(ROOT / "tests" / "support"))
import collector  # noqa: E402

BYTES = 526  # of a span: bench/rig/payload.h


class Sink:
    """The TLS destination; counts what it got."""

    def __init__(self, folder: pathlib.Path, down: bool = False):
        self.certificate = folder / "sink.pem"
        self.process = subprocess.Popen(
            [BUILD / "bench" / "bench_sink", "--certificate", self.certificate, *(["--down"] if down else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def totals(self, command: str = "") -> dict:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def up(self) -> None:
        """For one that began down: it listens from now on."""
        self.totals("up")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=10)


class Subject:
    """A process under test, with its OTLP/HTTP port and its own accounting."""

    def __init__(self, command: list, env: dict, port_line: str, port: int | None):
        self.began = time.monotonic()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FORAGER_", "OTEL_"))}
        self.process = subprocess.Popen(command, env=inherited | env, text=True, cwd="/",
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.port = port
        said = ""
        while True:
            line = self.process.stdout.readline()
            said += line
            if not line:
                raise SystemExit(f"{command[0]} ended with {self.process.wait()} before it listened:\n{said}")
            if found := re.search(port_line, line):
                self.port = self.port or int(found.group(1))
                break
        subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL)  # never let it block on its output

    def cpu(self) -> float:
        """Seconds of all threads, from the scheduler's nanoseconds (ticks of 10 ms are too coarse at low rates)."""
        total = 0
        for stat in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total += int(stat.read_text().split()[0])
        return total / 1e9

    def memory(self, key: str) -> float:
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{key}:\s+(\d+)", text).group(1)) / 1024

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def forager(sink: Sink, codec: str, data: pathlib.Path | None, more: dict | None = None) -> Subject:
    """`data`: its data directory; None: the memory journal."""
    env = {
        "HONEYCOMB_API_KEY": "hcaik_" + "b" * 58, "HONEYCOMB_API_ENDPOINT": f"https://localhost:{sink.port}",
        "SSL_CERT_FILE": str(sink.certificate), "FORAGER_COMPRESSION": codec, "FORAGER_JOURNAL": "disk" if data else "memory",
        "FORAGER_OTLP_HTTP_LISTEN": "127.0.0.1:0", "FORAGER_OTLP_GRPC_LISTEN": "127.0.0.1:0", "FORAGER_ADMIN_LISTEN": "127.0.0.1:0"}
    env |= {"FORAGER_DATA_DIR": str(data)} if data else {}
    return Subject([BUILD / "forager"], env | (more or {}), r"listening otlp/http http://127\.0\.0\.1:(\d+)", None)


def collector_with(sink: Sink, codec: str, folder: pathlib.Path, queue: str) -> Subject:
    """`queue`: empty, or "queue" for a sending queue on disk before batching, which keeps what was answered; with "fsync" synced."""
    port = free_port()
    config = folder / "collector.yaml"
    storage = f"extensions: {{file_storage: {{directory: {folder}/queue, create_directory: true, fsync: {str('fsync' in queue).lower()}}}}}"
    on_disk = "sending_queue: {storage: file_storage, sizer: items, queue_size: 4000000, batch: {flush_timeout: 200ms, min_size: 8192}}"
    config.write_text(f"""\
receivers: {{otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:{port}}}}}}}}}
processors: {{batch: {{send_batch_size: 8192, timeout: 200ms}}}}
{storage if queue else ""}
exporters:
  otlphttp:
    endpoint: https://localhost:{sink.port}
    compression: {codec}
    tls: {{ca_file: {sink.certificate}}}
    {on_disk if queue else ""}
service:
  {"extensions: [file_storage]" if queue else ""}
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], processors: {"[]" if queue else "[batch]"}, exporters: [otlphttp]}}}}
""")
    return Subject([collector.build(), "--config", str(config)], {}, r"()Everything is ready", port)


def start(name: str, sink: Sink, folder: pathlib.Path) -> Subject:
    """By its name in the tables: kind, codec, and how it keeps what it has. `folder` is its own."""
    kind, _, rest = name.partition(" ")
    codec, _, storage = rest.partition(" ")
    if kind == "floor":
        return Subject([BUILD / "bench" / "bench_floor", "--to", str(sink.port), "--certificate", str(sink.certificate)],
                       {}, r"listening otlp/http http://127\.0\.0\.1:(\d+)", None)
    if kind == "forager":
        return forager(sink, codec, folder / "journal" if storage == "disk" else None)
    return collector_with(sink, codec, folder, storage)


def load(subject: Subject, seconds: float, rate: float = 0, spans: int = 100, connections: int = 8) -> dict:
    made = subprocess.run([BUILD / "bench" / "bench_load", "--port", str(subject.port), "--seconds", str(seconds), "--rate", str(rate),
                           "--spans", str(spans), "--connections", str(connections)],
                          capture_output=True, text=True, check=True)
    return json.loads(made.stdout)


EMPTY = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"


def wait_ready(subject: Subject) -> float:
    """Milliseconds from exec to the first 200 (to an empty request)."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", subject.port), 1) as s:
            s.sendall(EMPTY)
            if b" 200 " in s.recv(4096):
                return (time.monotonic() - subject.began) * 1e3
        time.sleep(0.001)
    raise SystemExit("the process under test does not answer")


def settle(sink: Sink, at_least: int) -> int:
    """Waits until everything has arrived (or nothing more does)."""
    last, since = -1, time.monotonic()
    while True:
        now = sink.totals()["spans"]
        if at_least and now >= at_least:
            return now
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > (2.0 if at_least else 0.6):
            return now
        time.sleep(0.02)


def file_system() -> str:
    """The type of the one that journals are put on."""
    mounts = [line.split()[1:3] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
    return max((mount for mount in mounts if BUILD.is_relative_to(mount[0])), key=lambda mount: len(mount[0]))[1]


def real_directory() -> pathlib.Path:
    """Where journals are put: on a disk, since a file system in memory would measure nothing."""
    if file_system() in ("tmpfs", "ramfs"):
        raise SystemExit(f"{BUILD} is in memory: a synced write costs nothing there. Build on a disk (FORAGER_BUILD)")
    return BUILD
