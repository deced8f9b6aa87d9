"""kill -9 under load, on a real file system: nothing that was answered 200 is lost, and little comes twice."""

from __future__ import annotations

import os

import pytest
from killing import WAYS, Rounds

ROUNDS = 5  # of each way; `./dev soak` does more


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_kill_9_loses_nothing_that_was_answered_200(world, way):
    """Scenario: many connections and a real SDK send; the process is killed at a random moment, also while it starts, and started
    again on the same directory; the destination is up, slow, flapping, or down until the end. FORAGER_SEED repeats a run.
    Guarantees: every span answered 200 reaches the judge; only what was in flight or settled within the last sync of the cursors
    comes twice; the next run recovers what the last one held; a clean stop leaves nothing."""
    print("seed", seed := int(os.environ.get("FORAGER_SEED", "1")))
    report = Rounds(world, way, seed).run(ROUNDS)
    print(report)
    assert report.kills == ROUNDS and report.acknowledged > 100 and report.sdk_requests > 0
