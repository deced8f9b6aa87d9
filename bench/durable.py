"""What the disk journal costs end to end: Forager with both journals beside the Collector with and without its queue on disk; then how fast
a backlog leaves. Everything that is written lies on the file system of the build directory."""

import pathlib
import tempfile
import time

from measure import COLUMNS, measure
from subjects import BYTES, Sink, Subject, collector, file_system, forager, load, real_directory, settle, wait_ready
from tables import machine, median_ratio, programs, publish, ratio, table

NAMES = ["forager zstd", "forager zstd disk", "collector zstd", "collector zstd queue", "collector zstd queue fsync"]
WANTED = ("cpu_us", "rate", "refused", "open_cpu_us", "p50", "p99", "p999", "open_rss", "peak_rss", "lost")
TARGET = 0.25  # of the Collector's CPU a span without persistence, closed loop

DRAIN_COLUMNS = [("backlog_mb", "backlog MB", "{:,.0f}"), ("first_s", "first byte after s", "{:.2f}"), ("steady", "MB/s", "{:,.0f}"),
                 ("whole", "MB/s with its start", "{:,.0f}"), ("cpu_us", "CPU us/span", "{:.2f}"), ("peak_rss", "RSS peak", "{:.0f}"),
                 ("lost", "lost", "{:.0f}")]
GIB = 1 << 30


class Arrivals:
    """Bytes of spans at the destination, over time."""

    def __init__(self, sink: Sink):
        self.sink, self.seen = sink, []
        self.look()

    def look(self) -> float:
        self.seen.append((time.monotonic(), self.sink.totals()["spans"] * BYTES))
        return self.seen[-1][1]

    def watch(self, expected: float) -> None:
        """Until all is there, or nothing came for 15 s."""
        moved = time.monotonic()
        while self.seen[-1][1] < expected and time.monotonic() - moved < 15:
            time.sleep(0.02)
            if self.look() != self.seen[-2][1]:
                moved = time.monotonic()

    def between(self, low: float, high: float) -> float:
        """MB/s from the first moment at which that much was there to the other."""
        t0, b0 = next(seen for seen in self.seen if seen[1] >= low)
        t1, b1 = next(seen for seen in self.seen if seen[1] >= high)
        return (b1 - b0) / max(t1 - t0, 1e-3) / 1e6


def drain(disk: bool, backlog: int) -> dict:
    """Fills the journal while the destination refuses connections, then lets it listen."""
    with tempfile.TemporaryDirectory(dir=real_directory()) as made:
        folder = pathlib.Path(made)
        sink = Sink(folder, down=True)
        more = {"FORAGER_JOURNAL_BYTES": str(2 * backlog), "FORAGER_RETRY_MAX": "1s"}
        if not disk:
            more["FORAGER_MEMORY_LIMIT"] = str(6 * backlog)
        subject = forager(sink, "zstd", folder / "journal" if disk else None, more)
        try:
            wait_ready(subject)
            spans = 0
            while spans * BYTES < backlog:
                made_now = load(subject, 1)["spans"]
                if made_now == 0:
                    raise SystemExit("nothing more is accepted before the backlog is large enough")
                spans += made_now
            return emptied(subject, sink, spans)
        finally:
            subject.close()
            sink.close()


def emptied(subject: Subject, sink: Sink, spans: int) -> dict:
    """The destination comes up; figures of what it then gets."""
    cpu, up = subject.cpu(), time.monotonic()
    arrivals = Arrivals(sink)
    sink.up()
    held = spans * BYTES
    arrivals.watch(held)
    got = arrivals.seen[-1][1]
    first = next((at for at, there in arrivals.seen if there > 0), up)
    return {"backlog_mb": held / 1e6, "first_s": first - up, "steady": arrivals.between(got * 0.25, got * 0.9),
            "whole": arrivals.between(1, got), "cpu_us": (subject.cpu() - cpu) * 1e6 / spans,
            "peak_rss": subject.memory("VmHWM"), "lost": spans - got / BYTES}


def closed_loop(seconds: float) -> dict:
    """What the destination takes while eight apps send as fast as they are answered, with the memory journal."""
    with tempfile.TemporaryDirectory() as made:
        sink = Sink(pathlib.Path(made))
        subject = forager(sink, "zstd", None)
        try:
            wait_ready(subject)
            load(subject, 0.5)
            before, began, cpu = settle(sink, 0), time.monotonic(), subject.cpu()
            sent = load(subject, seconds)
            speed = (sink.totals()["spans"] - before) * BYTES / (time.monotonic() - began) / 1e6
            got = settle(sink, before + sent["spans"]) - before
            return {"backlog_mb": 0, "first_s": 0, "steady": speed, "whole": speed, "cpu_us": (subject.cpu() - cpu) * 1e6 / max(1, got),
                    "peak_rss": subject.memory("VmHWM"), "lost": sent["spans"] - got}
        finally:
            subject.close()
            sink.close()


def report(results: dict, drained: dict, pairs: int, rate: float) -> str:
    columns = [column for column in COLUMNS if column[0] in WANTED]
    lines = [
        f"{machine()}, {file_system()}", programs(any(name.startswith("collector") for name in results)),
        f"{BYTES}-byte spans, 100 a request, 8 connections, HTTP/protobuf in, zstd over TLS out; medians of {pairs} interleaved runs; "
        f"latency, memory and CPU at rate: open loop of {rate * 100:,.0f} spans/s; memory in MiB; CPU of the process alone", "",
        table(results, columns), ""]
    for other in [name for name in results if name != "forager zstd disk"]:
        parts = [f"{title} {median_ratio(results, 'forager zstd disk', other, key):.2f}" for key, title, _ in columns
                 if key in ("cpu_us", "rate", "open_cpu_us", "p50", "p99")]
        lines.append(f"- forager zstd disk / {other}: {', '.join(parts)}")
    lines += ["", table(drained, DRAIN_COLUMNS), ""]
    for other in drained:
        if other != "disk, backlog":
            lines.append(f"- {ratio(drained, 'disk, backlog', other, 'steady').replace('steady', 'MB/s')}")
    return "\n".join(lines)


def problems_of(results: dict, drained: dict) -> list[str]:
    found = [f"{name}: {run['lost'] + run['open_lost']} spans answered 200 did not arrive"
             for name in results if name.startswith("forager") for run in results[name] if run["lost"] + run["open_lost"] > 0]
    found += [f"{name}: {run['lost']:.0f} spans of the backlog did not arrive" for name in drained for run in drained[name] if run["lost"] > 0]
    if "collector zstd" in results:
        needs = median_ratio(results, "forager zstd disk", "collector zstd", "cpu_us")
        if needs > TARGET:
            found.append(f"durable Forager needs {needs:.3f} of the Collector's CPU without persistence; the target is {TARGET}")
    return found


def run(pairs: int, seconds: float, rate: float, docs: bool, backlog: int = GIB) -> int:
    names = NAMES
    if why := collector.missing():
        print(f"without the Collector: {why}")
        names = [name for name in NAMES if not name.startswith("collector")]
    results: dict[str, list] = {name: [] for name in names}
    drained: dict[str, list] = {"disk, backlog": [], "memory, backlog": [], "memory, closed loop": []}
    for _ in range(pairs):
        for name in names:
            results[name].append(measure(name, seconds, rate, real_directory()))
        drained["disk, backlog"].append(drain(True, backlog))
        drained["memory, backlog"].append(drain(False, backlog))
        drained["memory, closed loop"].append(closed_loop(seconds))
    publish("durable", report(results, drained, pairs, rate), {"load": results, "drain": drained}, docs)
    problems = problems_of(results, drained)
    for problem in problems:
        print(problem)
    return 1 if problems else 0
