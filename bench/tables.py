"""Tables of medians, ratios, and what is needed to make them again."""

import json
import os
import pathlib
import platform
import re
import shlex
import statistics
import subprocess
import sys

from subjects import BUILD, ROOT, collector

BUSY = os.getloadavg()


def table(results: dict, columns: list) -> str:
    rows = [["", *[title for _, title, _ in columns]]]
    for name, runs in results.items():
        rows.append([name, *[form.format(statistics.median(run[key] for run in runs)) for key, _, form in columns]])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def ratio(results: dict, a: str, b: str, key: str) -> str:
    pairs = sorted(x[key] / y[key] for x, y in zip(results[a], results[b]))
    return f"{a} / {b}, {key}: median {statistics.median(pairs):.3f} [{pairs[0]:.3f} to {pairs[-1]:.3f}]"


def median_ratio(results: dict, a: str, b: str, key: str) -> float:
    return statistics.median(x[key] / y[key] for x, y in zip(results[a], results[b]))


def version(command: list) -> str:
    made = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    return (made.stdout or made.stderr).strip().splitlines()[0]


def machine() -> str:
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return (f"{os.cpu_count()} x {cpu.group(1) if cpu else platform.machine()}, Linux {platform.release()}, "
            f"load average before {BUSY[0]:.1f}, after {os.getloadavg()[0]:.1f}")


def programs(with_collector: bool) -> str:
    revision = version(["git", "-C", ROOT, "describe", "--always", "--dirty"])
    versions = [f"{version([BUILD / 'forager', 'version'])} ({revision})"]
    if with_collector:
        versions.append(version([collector.build(), "--version"]))
    return f"{'; '.join(versions)}; `./dev bench {shlex.join(sys.argv[1:])}`"


def publish(name: str, text: str, figures: dict, docs: bool) -> None:
    """Prints it and keeps it in bench/results; `docs`: also between its marks in docs/durability.md."""
    print(text)
    folder = ROOT / "bench" / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(figures, indent=1))
    (folder / f"{name}.md").write_text(text + "\n")
    if not docs:
        return
    page = ROOT / "docs" / "durability.md"
    begin, end = f"<!-- bench: {name} -->\n", "<!-- bench: end -->"
    before, _, rest = page.read_text().partition(begin)
    page.write_text(before + begin + text + "\n" + end + rest.partition(end)[2])
