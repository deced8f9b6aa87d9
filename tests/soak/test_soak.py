"""What `./dev soak` runs: as many rounds of kill -9 as are asked for, with the destination in every state; the figures go to a file."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from forager import ROOT, binary
from killing import WAYS, Rounds

ROUNDS = int(os.environ.get("FORAGER_SOAK_ROUNDS", "200"))
EACH = 10  # rounds on one data directory, then a new one: the judge keeps everything in memory
SEED = int(os.environ.get("FORAGER_SEED", "0")) or time.time_ns() % 1_000_000
RESULT = Path(os.environ.get("FORAGER_SOAK_RESULT", ROOT / "tests/soak/result.json"))

WORLDS = [(WAYS[number % len(WAYS)], SEED + number, min(EACH, ROUNDS - number * EACH)) for number in range(-(-ROUNDS // EACH))]


@pytest.fixture(scope="module")
def figures():
    """Written when the last of them has passed."""
    all_of_them: list[tuple[str, object]] = []
    start = time.monotonic()
    yield all_of_them
    if len(all_of_them) != len(WORLDS):
        return
    reports = [asdict(report) for _, report in all_of_them]
    sums = {name: sum(each[name] for each in reports) for name in reports[0] if isinstance(reports[0][name], int)}
    worst = max(reports, key=lambda each: each["most_repeats"])
    sums |= {"most_repeats": worst["most_repeats"], "most_allowed": worst["most_allowed"]}
    result = {
        "what": "kill -9 under load, disk journal; every span answered 200 reached the destination in every round",
        "seed": SEED,
        "day": time.strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} CPUs, {platform.system()}",
        "seconds": round(time.monotonic() - start),
        "widest_window_seconds": round(max(max(each["windows"]) for each in reports), 3),
        "rounds_by_destination": {way: sum(report.kills for name, report in all_of_them if name == way) for way in WAYS},
        "lost": 0,
        **sums,
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("way", "seed", "rounds"), WORLDS, ids=lambda each: str(each))
def test_kill_9_again_and_again(world, figures, way, seed, rounds):
    """See killing.Rounds. A failure is repeated with FORAGER_SEED and the same number of rounds."""
    assert binary() is not None
    print("FORAGER_SEED", SEED)
    report = Rounds(world, way, seed).run(rounds)
    print(report)
    assert report.kills == rounds
    figures.append((way, report))
