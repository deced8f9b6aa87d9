"""One run of one subject, and the columns of its table."""

import pathlib
import tempfile
import time

from subjects import Sink, load, settle, start, wait_ready

COLUMNS = [("cpu_us", "CPU us/span", "{:.2f}"), ("rate", "spans/s", "{:,.0f}"), ("wire", "wire B/span", "{:.1f}"),
           ("refused", "refused", "{:.0f}"), ("open_cpu_us", "CPU us/span at rate", "{:.2f}"), ("p50", "p50 ms", "{:.2f}"), ("p99", "p99 ms", "{:.2f}"),
           ("p999", "p99.9 ms", "{:.2f}"), ("idle_rss", "RSS idle", "{:.1f}"), ("open_rss", "RSS at rate", "{:.1f}"),
           ("peak_rss", "RSS peak", "{:.1f}"), ("start", "start ms", "{:.1f}"), ("lost", "lost", "{:.0f}")]


def measure(name: str, seconds: float, rate: float, where: pathlib.Path | None = None) -> dict:
    """One run of one subject: closed loop for CPU, then open loop for latency. `where`: the parent of its folder."""
    with tempfile.TemporaryDirectory(dir=where) as made:
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
