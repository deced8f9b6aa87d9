"""What goes in comes out: random OTLP, merged and cut at every level on its way, is the same item for item.

A failing seed is printed; FORAGER_SEED=<it> repeats the run.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter

import otlp
import pytest
from judge.items import REQUESTS, SIGNALS, items_of, rebuild
from random_otlp import Generator

REQUESTS_SENT = 60
BATCH_BYTES = 8192


@pytest.fixture
def seed():
    chosen = int(os.environ.get("FORAGER_SEED") or random.SystemRandom().randrange(2**32))
    print(f"repeat with FORAGER_SEED={chosen}")
    return chosen


def make_requests(signal: str, seed: int, *, strict: bool) -> list[bytes]:
    """Requests without an item that alone is over the limit: such a one is quarantined, and tested elsewhere."""
    generator, out = Generator(seed, strict=strict), []
    while len(out) < REQUESTS_SENT:
        body = generator.request(signal)
        REQUESTS[signal].FromString(body)  # the official package agrees that it is valid
        if all(len(rebuild([item])) <= BATCH_BYTES for item in items_of(signal, body)):
            out.append(body)
    return out


def deliver(world, forager, items: int, signal: str) -> None:
    """The judge was down so that everything waits together and is merged and cut; now it is up."""
    assert forager.book(signal).get("held", 0) == items
    world.judge.up()
    forager.wait_for_book(30, signal, held=0, delivered=items)
    sizes = [len(request.plain) for request in world.judge.requests]
    assert max(sizes) <= BATCH_BYTES, "a batch is over its limit"
    assert len(sizes) >= sum(sizes) // BATCH_BYTES


@pytest.mark.parametrize("signal", SIGNALS)
def test_protobuf_leaves_byte_for_byte_as_it_came(world, seed, signal):
    """Scenario: requests of all sizes with every field of the schema, unknown and duplicate ones, through a small batch limit.
    Guarantees: each item arrives once, its bytes and those of each enclosing message (but for lengths) unchanged."""
    bodies = make_requests(signal, seed, strict=False)
    sent = Counter(item.id for body in bodies for item in items_of(signal, body))
    assert max(map(len, bodies)) > BATCH_BYTES and len(sent) > 100
    world.judge.down()
    forager = world.start(FORAGER_BATCH_BYTES=str(BATCH_BYTES))
    http, rpc, rng = world.sender(), world.grpc(), random.Random(seed)
    for body in bodies:
        if rng.random() < 0.5:
            assert http.post(signal, body, encoding=rng.choice(["", "gzip", "deflate"])).status == 200
        else:
            rpc.post(signal, body)
    deliver(world, forager, sent.total(), signal)
    assert world.judge.seen == sent


@pytest.mark.parametrize("signal", SIGNALS)
def test_json_arrives_as_the_protobuf_that_says_the_same(world, seed, signal):
    """Scenario: the same, written as OTLP/JSON with every freedom the mapping leaves, unknown keys included.
    Guarantees: what arrives means the same, item for item and envelope for envelope."""
    bodies = make_requests(signal, seed, strict=True)
    rng, sent = random.Random(seed), Counter()
    world.judge.down()
    forager = world.start(FORAGER_BATCH_BYTES=str(BATCH_BYTES))
    http = world.sender()
    for body in bodies:
        message = REQUESTS[signal].FromString(body)
        sent.update(item.canonical for item in items_of(signal, message.SerializeToString()))
        text = otlp.to_json(message, rng)
        if rng.random() < 0.3:
            text = json.dumps(json.loads(text), ensure_ascii=False, indent=1).encode()
        reply = http.post(signal, text, kind="application/json", encoding=rng.choice(["", "gzip"]), track=False)
        assert reply.status == 200, (reply, text)
    deliver(world, forager, sent.total(), signal)
    arrived = Counter(item.canonical for item in world.judge.items(signal))
    assert not sent - arrived, f"missing: {list(sent - arrived)[:2]}; instead: {list(arrived - sent)[:2]}"
    assert not arrived - sent
