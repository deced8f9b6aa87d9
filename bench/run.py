"""End-to-end bench: the same load through Forager, the floor program and the OpenTelemetry Collector, side by side.

CPU is the process's own (user + system, from /proc), memory is VmHWM and VmRSS, latency is what the load generator saw. Every run checks
that the destination got each span that was answered 200. Runs are interleaved, medians are printed, and ratios are taken pair by pair.
"""

import argparse
import json
import statistics
import subprocess
import sys

import durable
import yardstick
from measure import COLUMNS, measure
from subjects import BUILD, BYTES, ROOT, collector
from tables import machine, programs, ratio, table


def report(results: dict, pairs: int, rate: float) -> str:
    """The table with all that is needed to make it again."""
    lines = [
        machine(), programs(any(name.startswith("collector") for name in results)),
        f"{BYTES}-byte spans, 100 a request, 8 connections, HTTP/protobuf in, TLS out; medians of {pairs} interleaved runs; latency, memory "
        f"and CPU at rate: open loop of {rate * 100:,.0f} spans/s; memory in MiB; CPU of the process alone", "",
        table(results, COLUMNS), ""]
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
    options.add_argument("--durable", action="store_true", help="what the disk journal costs, beside the Collector with its queue on disk")
    options.add_argument("--journal", action="store_true", help="the disk journal's engine beside LMDB and a bare file")
    options.add_argument("--docs", action="store_true", help="with --durable or --journal: the tables go into docs/durability.md, too")
    options.add_argument("--pairs", type=int, default=5)
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--rate", type=float, default=200, help="requests a second in the open loop")
    options = options.parse_args()

    if options.micro:
        return subprocess.run([BUILD / "bench" / "bench_micro", "--benchmark_min_time=0.3"], check=False).returncode
    if options.durable:
        return durable.run(options.pairs, options.seconds, options.rate, options.docs)
    if options.journal:
        return yardstick.run(options.pairs, options.seconds, options.docs)
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
