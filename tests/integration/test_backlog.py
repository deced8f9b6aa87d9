"""A destination is away for long while the disk keeps what is meant for it; and answers that wait for the destinations."""

from __future__ import annotations

import re
import threading
import time

import grpc
import otlp
import pytest
from forager import EXIT_OK, Forager, wait_until
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2
from judge import faults
from load import Load
from sender import Sender

MiB = 1024 * 1024


class Probe:
    """One span every 50 ms; how long until the hive has it, in seconds."""

    def __init__(self, forager: Forager) -> None:
        self._forager, self._stop = forager, threading.Event()
        self.answers: list[float] = []
        self.lags: list[float] = []  # from before the request to the moment the hive shows it
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Probe:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        sender = Sender(self._forager.http_port)
        while not self._stop.wait(0.05):
            message = otlp.logs(1)
            start = time.monotonic()
            before = self._forager.book("logs", "hive").get("delivered", 0)
            begin = time.monotonic()
            assert sender.post("logs", message, track=False).status == 200
            self.answers.append(time.monotonic() - begin)
            wait_until(lambda: self._forager.book("logs", "hive")["delivered"] > before, 10, "the hive", every=0.002)
            self.lags.append(time.monotonic() - start)
        sender.close()


def at_share(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


@pytest.mark.slow
def test_a_destination_that_is_away_costs_disk_and_nothing_else(world):
    """Scenario: Honeycomb and the hive are both destinations; Honeycomb is away for 20 s under load, until 100 MB are held for it.
    Guarantees: apps always get 200; the hive gets its data as quickly as before; memory stays within its limit and doesn't grow with
    what is held; once Honeycomb is back, all of it arrives, once, and the disk is given back."""
    forager = world.start(FORAGER_DESTINATIONS="honeycomb,hive", FORAGER_MEMORY_LIMIT="64MiB")
    with Load(world, forager, apps=2, spans=20, interval=0.05) as before, Probe(forager) as usual:
        before.run_for(4)
    world.judge.down()
    sizes = []
    start = time.monotonic()
    with Load(world, forager, apps=4, spans=40, interval=0.05, size=4000) as load, Probe(forager) as meanwhile:
        while time.monotonic() - start < 20 or forager.destination()["held_bytes"] < 100 * MiB:
            load.run_for(0.5)
            sizes.append((forager.destination()["held_bytes"], forager.rss))
            assert time.monotonic() - start < 60, f"only {sizes[-1][0]} bytes are held"
    assert set(load.statuses) == {200}, (load.statuses, load.errors[:3], load.refusals[:3])
    held = forager.destination()["held_bytes"]
    print(
        f"held {held >> 20} MiB; answers p50 {at_share(usual.answers, 0.5) * 1e3:.1f} -> {at_share(meanwhile.answers, 0.5) * 1e3:.1f} ms; "
        f"hive p50 {at_share(usual.lags, 0.5) * 1e3:.1f} -> {at_share(meanwhile.lags, 0.5) * 1e3:.1f} ms, p95 "
        f"{at_share(usual.lags, 0.95) * 1e3:.1f} -> {at_share(meanwhile.lags, 0.95) * 1e3:.1f} ms; RSS {[size >> 20 for _, size in sizes]}"
    )
    assert forager.destination("hive")["held_items"] < 1000, "the hive lags"
    assert at_share(meanwhile.lags, 0.5) < at_share(usual.lags, 0.5) + 0.1, "the hive gets its data later"
    if not forager.sanitized:
        full = [size for bytes_held, size in sizes if bytes_held > 50 * MiB]
        assert max(full) < (64 + 32) * MiB, "memory is over its limit"
        assert full[-1] - full[0] < 24 * MiB, "memory grows with what is held"
    world.judge.up()
    forager.wait_settled(60)
    assert not world.missing() and world.judge.repeats <= 4 * 40 * 50
    assert forager.book()["delivered"] == world.acknowledged.count("traces")
    wait_until(lambda: forager.status()["journal"]["bytes"] <= 64 * MiB, 10, "the disk to be given back")


def test_what_an_outage_left_is_delivered_by_the_next_run(world, tmp_path):
    """Scenario: the destination is away; Forager is stopped in an orderly way, and started again.
    Guarantees: it stops at once with exit code 0 and without a loss; the next run delivers all of it, once."""
    settings = {"FORAGER_DATA_DIR": str(tmp_path / "data"), "FORAGER_STOP_GRACE": "1s"}
    world.judge.down()
    forager = world.start(**settings)
    sender = world.sender()
    for name, build in otlp.BUILDERS.items():
        for _ in range(20):
            assert sender.post(name, build(5)).status == 200
    assert forager.terminate() == EXIT_OK
    assert not re.search(r"\d+ lost|are lost", forager.output), forager.output
    world.judge.up()
    again = world.start(**settings)
    for name in otlp.BUILDERS:
        again.wait_for_book(signal=name, held=0, delivered=100, recovered=100)
    assert not world.missing() and world.judge.repeats == 0


# FORAGER_ACK=delivered


def test_ack_delivered_answers_when_the_destination_has_it(world):
    """Scenario: the destination takes half a second. Guarantees: the 200 comes after it, in both protocols; what was answered is there."""
    world.judge.faults.add(faults.Slow(seconds=0.5))
    world.start(FORAGER_ACK="delivered")
    for post in (world.sender().post, world.grpc().post):
        start = time.monotonic()
        post("traces", otlp.traces(3))
        assert time.monotonic() - start >= 0.5
        assert not world.missing(), "answered before it was delivered"
    assert world.acknowledged.count("traces") == 6


def test_ack_delivered_is_a_retryable_error_when_the_destination_is_away(world):
    """Scenario: the destination is away. Guarantees: after 8 s, before an SDK gives up, 503 with Retry-After and UNAVAILABLE with
    RetryInfo; others aren't in the way; what was kept arrives when the destination is back."""
    world.judge.down()
    forager = world.start(FORAGER_ACK="delivered")
    errors: list[grpc.RpcError] = []

    def call() -> None:
        try:
            world.grpc(forager).post("logs", otlp.logs(2), track=False)
        except grpc.RpcError as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    start = time.monotonic()
    refused = world.sender().post("traces", otlp.traces(3))
    assert 7.5 < time.monotonic() - start < 10
    assert refused.status == 503 and refused.retry_after >= 1 and "FORAGER_ACK" in refused.message
    thread.join(10)
    [error] = errors
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    info = error_details_pb2.RetryInfo()
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    assert status_pb2.Status.FromString(details).details[0].Unpack(info)
    assert isinstance(info.retry_delay, duration_pb2.Duration) and info.retry_delay.ToTimedelta().total_seconds() >= 1
    world.judge.up()
    forager.wait_for_book(held=0, delivered=3)
    forager.wait_for_book(signal="logs", held=0, delivered=2)
