"""The check at the end of every test can fail: each broken promise is noticed."""

from __future__ import annotations

import otlp
import pytest
from judge.server import OUR_KEY


def test_an_item_that_was_promised_and_never_came_is_noticed(world):
    """As if Forager had answered 200 and dropped it."""
    forager = world.start()
    assert world.sender().post("traces", otlp.traces(3)).status == 200
    forager.wait_settled()
    world.acknowledged.add("traces", otlp.traces(1).SerializeToString())
    with pytest.raises(AssertionError, match="1 traces were answered 200"):
        world.check_books(forager)
    for each in world.missing():
        del world.acknowledged.ids[each]


def test_books_that_say_more_than_the_judge_has_are_noticed(world):
    """As if Forager had booked as delivered what it never sent."""
    forager = world.start()
    assert world.sender().post("traces", otlp.traces(3)).status == 200
    forager.wait_settled()
    world.judge.counts["traces"] -= 1
    with pytest.raises(AssertionError):
        world.check_books(forager)
    world.judge.counts["traces"] += 1


def test_a_foreign_key_at_the_judge_is_noticed(world):
    """Also one that came only to /1/auth, or in another header."""
    forager = world.start()
    assert world.sender().post("traces", otlp.traces(1)).status == 200
    forager.wait_settled()
    world.judge.keys_seen["stranger"] += 1
    with pytest.raises(AssertionError, match="isn't ours"):
        world.check_secrets()
    del world.judge.keys_seen["stranger"]
    world.foreign_keys.add(OUR_KEY)
    with pytest.raises(AssertionError, match="a key of an app"):
        world.check_secrets()
    world.foreign_keys.clear()
