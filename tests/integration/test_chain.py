"""Forager speaks at its end what it takes at its front, so two of them can stand in a row."""

from __future__ import annotations

import otlp
from sender import Sender


def test_two_foragers_in_a_row_deliver_like_one(world):
    """Scenario: app -> first Forager -> second Forager over plain HTTP -> judge, all signals.
    Guarantees: every item that the first took arrives once under the second's key, and both books balance."""
    second = world.start()
    near_key = "near0key0near0key0ab"
    world.secrets.add(near_key)
    world.foreign_keys.add(near_key)
    first = world.start(HONEYCOMB_API_ENDPOINT=second.endpoint, HONEYCOMB_API_KEY=near_key)
    app = Sender(first.http_port, world.acknowledged)
    for signal, build in otlp.BUILDERS.items():
        for _ in range(10):
            assert app.post(signal, build(20), encoding="gzip").status == 200
    app.close()
    first.wait_settled()
    second.wait_settled()
    assert world.judge.counts == dict.fromkeys(otlp.BUILDERS, 200) and world.judge.repeats == 0
    assert not world.missing()


def test_a_chain_holds_when_its_far_end_is_down(world):
    """Scenario: the second Forager isn't there yet when the app sends; then it comes up on its port.
    Guarantees: the first answers 200, holds, and delivers all of it."""
    second = world.start()
    port, endpoint = second.http_port, second.endpoint
    second.terminate()
    first = world.start(HONEYCOMB_API_ENDPOINT=endpoint)
    app = Sender(first.http_port, world.acknowledged)
    for _ in range(10):
        assert app.post("traces", otlp.traces(20)).status == 200
    app.close()
    assert first.book()["held"] == 200
    again = world.start(FORAGER_OTLP_HTTP_LISTEN=f"127.0.0.1:{port}")
    first.wait_settled()
    again.wait_settled()
    assert world.judge.count("traces") == 200 and not world.missing()
