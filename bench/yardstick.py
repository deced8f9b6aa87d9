"""The engine of the disk journal beside LMDB and a bare file (bench/yardstick): the same records in groups, each group synced."""

import json
import pathlib
import re
import subprocess
import tempfile

from subjects import BUILD, ROOT, file_system, real_directory
from tables import machine, median_ratio, programs, publish, table

ENGINES = ["bare", "journal", "lmdb", "lmdb-writemap"]
LOADS = [("52.6 kB closed loop", 52_600, 0), ("52.6 kB 200/s", 52_600, 200), ("4 KiB closed loop", 4096, 0), ("4 KiB 2,000/s", 4096, 2000)]
BACKLOG = 256 << 20
COLUMNS = [("p50_ms", "p50 ms", "{:.2f}"), ("p99_ms", "p99 ms", "{:.2f}"), ("p999_ms", "p99.9 ms", "{:.2f}"),
           ("cpu_us_per_mb", "CPU us/MB", "{:,.0f}"), ("mb_per_s", "MB/s", "{:,.1f}"), ("records_per_group", "records a group", "{:.1f}")]
RECOVERY_COLUMNS = [("open_ms", "takes records after ms", "{:.1f}"), ("recovered_ms", "knows all after ms", "{:.0f}"),
                    ("read_back_ms", "then all read ms", "{:.0f}"), ("file_mb", "MB on disk", "{:,.0f}")]
# of proxy/journal, what the memory journal needs, too, or what a shell of LMDB would
NOT_THE_DISK = {"committer", "cursor", "drain_rate", "journal", "make_room", "quarantine", "record"}


def one(engine: str, *options) -> dict:
    with tempfile.TemporaryDirectory(dir=real_directory()) as folder:
        made = subprocess.run([BUILD / "bench" / "bench_journal", "--engine", engine, "--directory", folder, *map(str, options)],
                              capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise SystemExit(made.stderr.strip() or f"bench_journal ended with {made.returncode}")
    return json.loads(made.stdout)


def lines_of(files: list[pathlib.Path]) -> int:
    """Of code: without blank lines and comments."""
    lines = [line for file in files for line in file.read_text().splitlines()]
    return sum(1 for line in lines if line.strip() and not re.match(r"\s*//", line))


def engine_lines() -> tuple[int, int]:
    """Ours and the adapter to LMDB, each with its glue to the yardstick."""
    ours = [file for file in sorted((ROOT / "proxy" / "journal").glob("*.[ch]*")) if file.stem not in NOT_THE_DISK and file.suffix in (".h", ".cpp")]
    folder = ROOT / "bench" / "yardstick"
    return lines_of([*ours, folder / "journal_engine.cpp"]), lines_of([folder / "lmdb_engine.cpp"])


def report(loads: dict, recovery: dict, rounds: int) -> str:
    lines = [f"{machine()}, {file_system()}", programs(False),
             f"each group of records is synced before it counts; closed loop: 8 writers; medians of {rounds} interleaved rounds; CPU: user and "
             f"system time of the process; MB: a million bytes of bodies; `bare`: one file of fixed size, nothing but its writes and syncs"]
    for name, results in loads.items():
        lines += ["", table({f"{name}: {engine}": runs for engine, runs in results.items()}, COLUMNS)]
    lines += ["", table({f"{BACKLOG >> 20} MiB left by a killed process: {engine}": runs for engine, runs in recovery.items()}, RECOVERY_COLUMNS), ""]
    for other in ("lmdb", "bare"):
        for key, title, _ in COLUMNS[:4]:
            parts = [f"{name} {median_ratio(results, 'journal', other, key):.2f}" for name, results in loads.items()]
            lines.append(f"- journal / {other}, {title}: {', '.join(parts)}")
    ours, adapter = engine_lines()
    lines += ["", f"Lines of code, without blank ones and comments: the disk part of the journal {ours:,}; the adapter to LMDB {adapter:,}, "
                  "without LMDB itself."]
    return "\n".join(lines)


def run(rounds: int, seconds: float, docs: bool) -> int:
    if not (BUILD / "bench" / "bench_journal").exists():
        print("bench_journal was not built: liblmdb-dev is missing (apt-get install liblmdb-dev), then configure anew")
        return 1
    loads: dict[str, dict] = {name: {engine: [] for engine in ENGINES} for name, _, _ in LOADS}
    recovery: dict[str, list] = {engine: [] for engine in ENGINES if engine != "bare"}
    for _ in range(rounds):
        for name, body, rate in LOADS:
            for engine in ENGINES:
                loads[name][engine].append(one(engine, "--body", body, "--rate", rate, "--seconds", seconds))
        for engine, runs in recovery.items():
            made = one(engine, "--backlog", BACKLOG)
            runs.append(made | {"file_mb": made["file_bytes"] / 1e6})
    publish("journal", report(loads, recovery, rounds), {"load": loads, "recovery": recovery}, docs)
    return 0
