"""End-to-end bench: the same load through Forager, the floor program and the OpenTelemetry Collector, side by side.

CPU is the process's own (user + system, from /proc), memory is VmHWM and VmRSS, latency is what the load generator saw. Every run checks
that the destination got each span that was answered 200. Runs are interleaved, medians are printed, and ratios are taken pair by pair.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import re
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
sys.path.insert(0, str(ROOT / "tests" / "support"))
import collector  # noqa: E402

BYTES = 526  # bench/rig/payload.h
BUSY = os.getloadavg()


class Sink:
    """The TLS destination; counts what it got."""

    def __init__(self, folder: pathlib.Path):
        self.certificate = folder / "sink.pem"
        self.process = subprocess.Popen(
            [BUILD / "bench" / "bench_sink", "--certificate", self.certificate],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def totals(self) -> dict:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

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


def start(name: str, sink: Sink, folder: pathlib.Path) -> Subject:
    kind, _, codec = name.partition(" ")
    if kind == "floor":
        return Subject([BUILD / "bench" / "bench_floor", "--to", str(sink.port), "--certificate", str(sink.certificate)],
                       {}, r"listening otlp/http http://127\.0\.0\.1:(\d+)", None)
    if kind == "forager":
        return Subject([BUILD / "forager"], {
            "HONEYCOMB_API_KEY": "hcaik_" + "b" * 58, "HONEYCOMB_API_ENDPOINT": f"https://localhost:{sink.port}",
            "SSL_CERT_FILE": str(sink.certificate), "FORAGER_COMPRESSION": codec, "FORAGER_JOURNAL": "memory",
            "FORAGER_OTLP_HTTP_LISTEN": "127.0.0.1:0", "FORAGER_OTLP_GRPC_LISTEN": "127.0.0.1:0",
            "FORAGER_ADMIN_LISTEN": "127.0.0.1:0"}, r"listening otlp/http http://127\.0\.0\.1:(\d+)", None)
    port = free_port()
    config = folder / "collector.yaml"
    config.write_text(f"""\
receivers: {{otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:{port}}}}}}}}}
processors: {{batch: {{send_batch_size: 8192, timeout: 200ms}}}}
exporters:
  otlphttp:
    endpoint: https://localhost:{sink.port}
    compression: {codec}
    tls: {{ca_file: {sink.certificate}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], processors: [batch], exporters: [otlphttp]}}}}
""")
    subject = Subject([collector.build(), "--config", str(config)], {}, r"()Everything is ready", port)
    return subject


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


def measure(name: str, seconds: float, rate: float) -> dict:
    """One run of one subject: closed loop for CPU, then open loop for latency."""
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        sink = Sink(folder)
        subject = start(name, sink, folder)
        try:
            result = {"start": wait_ready(subject)}
            time.sleep(0.5)
            result["idle_rss"] = subject.memory("VmRSS")
            load(subject, 0.5)  # warm-up
            sent = settle(sink, 0)
            cpu = subject.cpu()
            wire = sink.totals()["wire_bytes"]
            closed = load(subject, seconds)
            got = settle(sink, sent + closed["spans"]) - sent
            result |= {
                "cpu_us": (subject.cpu() - cpu) * 1e6 / max(1, got), "rate": closed["spans"] / closed["seconds"],
                "wire": (sink.totals()["wire_bytes"] - wire) / max(1, got), "lost": closed["spans"] - got,
                "refused": closed["refused"], "peak_rss": subject.memory("VmHWM")}
            cpu, sent = subject.cpu(), sink.totals()["spans"]
            steady = load(subject, seconds, rate)
            got = settle(sink, sent + steady["spans"]) - sent
            result |= {"open_cpu_us": (subject.cpu() - cpu) * 1e6 / max(1, got), "p50": steady["p50_ms"],
                       "p99": steady["p99_ms"], "p999": steady["p999_ms"], "open_rss": subject.memory("VmRSS"),
                       "open_lost": steady["spans"] - got}
            return result
        finally:
            subject.close()
            sink.close()


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


COLUMNS = [("cpu_us", "CPU us/span", "{:.2f}"), ("rate", "spans/s", "{:,.0f}"), ("wire", "wire B/span", "{:.1f}"),
           ("refused", "refused", "{:.0f}"), ("open_cpu_us", "CPU us/span at rate", "{:.2f}"), ("p50", "p50 ms", "{:.2f}"), ("p99", "p99 ms", "{:.2f}"),
           ("p999", "p99.9 ms", "{:.2f}"), ("idle_rss", "RSS idle", "{:.1f}"), ("open_rss", "RSS at rate", "{:.1f}"),
           ("peak_rss", "RSS peak", "{:.1f}"), ("start", "start ms", "{:.1f}"), ("lost", "lost", "{:.0f}")]


def table(results: dict) -> str:
    rows = [["", *[title for _, title, _ in COLUMNS]]]
    for name, runs in results.items():
        rows.append([name, *[form.format(statistics.median(run[key] for run in runs)) for key, _, form in COLUMNS]])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def ratio(results: dict, a: str, b: str, key: str) -> str:
    pairs = sorted(x[key] / y[key] for x, y in zip(results[a], results[b]))
    return f"{a} / {b}, {key}: median {statistics.median(pairs):.3f} [{pairs[0]:.3f} to {pairs[-1]:.3f}]"


def version(command: list) -> str:
    made = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    return (made.stdout or made.stderr).strip().splitlines()[0]


def report(results: dict, pairs: int, rate: float) -> str:
    """The table with all that is needed to make it again."""
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    revision = version(["git", "-C", ROOT, "describe", "--always", "--dirty"])
    versions = [f"{version([BUILD / 'forager', 'version'])} ({revision})"]
    if any(name.startswith("collector") for name in results):
        versions.append(version([collector.build(), "--version"]))
    lines = [
        f"{os.cpu_count()} x {cpu.group(1) if cpu else platform.machine()}, Linux {platform.release()}, "
        f"load average before {BUSY[0]:.1f}, after {os.getloadavg()[0]:.1f}",
        f"{'; '.join(versions)}; `./dev bench {shlex.join(sys.argv[1:])}`",
        f"{BYTES}-byte spans, 100 a request, 8 connections, HTTP/protobuf in, TLS out; medians of {pairs} interleaved runs; latency, memory "
        f"and CPU at rate: open loop of {rate * 100:,.0f} spans/s; memory in MiB; CPU of the process alone", "",
        table(results), ""]
    against = [("forager zstd", "floor zstd"), ("forager zstd", "collector zstd"), ("forager zstd", "collector gzip"),
               ("forager gzip", "collector gzip")]
    for a, b in against:
        if a in results and b in results:
            lines += [f"- {ratio(results, a, b, key)}" for key in ("cpu_us", "open_cpu_us")]
    return "\n".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="Forager against the floor alone, under a minute; fails on a gross regression")
    options.add_argument("--micro", action="store_true", help="the micro benchmarks alone (google-benchmark)")
    options.add_argument("--pairs", type=int, default=5)
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--rate", type=float, default=200, help="requests a second in the open loop")
    options = options.parse_args()

    if options.micro:
        return subprocess.run([BUILD / "bench" / "bench_micro", "--benchmark_min_time=0.3"], check=False).returncode
    names = ["forager zstd", "floor zstd"] if options.quick else [
        "forager zstd", "floor zstd", "collector zstd", "forager gzip", "collector gzip"]
    pairs, seconds = (3, 2.0) if options.quick else (options.pairs, options.seconds)
    if not options.quick and (why := collector.missing()):
        print(f"without the Collector: {why}")
        names = [n for n in names if not n.startswith("collector")]
    results: dict[str, list] = {name: [] for name in names}
    for _ in range(pairs):
        for name in names:
            results[name].append(measure(name, seconds, options.rate))

    text = report(results, pairs, options.rate)
    print(text)
    if not options.quick:
        folder = ROOT / "bench" / "results"
        folder.mkdir(exist_ok=True)
        (folder / "latest.json").write_text(json.dumps(results, indent=1))
        (folder / "latest.md").write_text(text + "\n")

    problems = [f"{name}: {run['lost'] + run['open_lost']} spans answered 200 did not arrive"
                for name in names if name.startswith("forager") for run in results[name] if run["lost"] + run["open_lost"] > 0]
    median = statistics.median(x["cpu_us"] / y["cpu_us"] for x, y in zip(results["forager zstd"], results["floor zstd"]))
    if options.quick and median > 4:  # the guard against gross regressions; the target is tracked by the full bench
        problems.append(f"Forager needs {median:.2f} times the floor's CPU per span; more than 4 is a regression")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
