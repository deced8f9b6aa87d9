"""The journal is full, or data gets too old: what FORAGER_ON_FULL and FORAGER_RETENTION promise, in replies, books and log."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import grpc
import otlp
import pytest
from forager import wait_until
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2

journals = pytest.mark.parametrize("kind", ["disk", "memory"])
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
EXPIRED = re.compile(rf"honeycomb: (\d+) (spans|log records|data points) that came from ({TIME}) to ({TIME}) expired: (.+)")


def expired_in_log(forager, timeout: float = 10) -> tuple[int, list[re.Match[str]]]:
    """What the lines about expiry add up to, and they."""
    forager.wait_for_line(EXPIRED.pattern, timeout)
    found = [match for line in forager.lines if (match := EXPIRED.search(line.text))]
    return sum(int(match.group(1)) for match in found), found


def big(spans: int = 20):
    return otlp.traces(spans, padding="x" * 5000)


@journals
def test_a_full_journal_refuses_by_default_and_keeps_what_it_has(world, kind):
    """Scenario: the destination is down, 4 MiB may be held. Guarantees: 503 with Retry-After and UNAVAILABLE with RetryInfo; the books
    say how many; what was answered 200 arrives once the destination is back, and requests are taken again."""
    world.judge.down()
    forager = world.start(FORAGER_JOURNAL_BYTES="4MiB", FORAGER_JOURNAL=kind)
    sender = world.sender()
    taken, refused = sender.post_until_refused("traces", big, limit=200)
    assert taken >= (27 if kind == "disk" else 30)  # on disk an eighth is left for the quarantine
    assert refused.status == 503 and refused.retry_after >= 1 and "FORAGER_JOURNAL_BYTES" in refused.message
    with pytest.raises(grpc.RpcError) as error:
        world.grpc().post("traces", big())
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    details = dict(error.value.trailing_metadata())["grpc-status-details-bin"]
    info = error_details_pb2.RetryInfo()
    assert status_pb2.Status.FromString(details).details[0].Unpack(info)
    assert info.retry_delay.ToTimedelta() >= timedelta(seconds=1) and isinstance(info.retry_delay, duration_pb2.Duration)
    door = next(each for each in forager.ledger()["door"] if each["signal"] == "traces")
    assert {each["reason"]: each["requests"] for each in door["refused"] if each["requests"]} == {"journal_full": 2}
    assert forager.book()["expired"] == 0 and forager.book()["held"] == taken * 20
    world.judge.up()
    forager.wait_settled()
    assert sender.post("traces", big()).status == 200
    forager.wait_settled()
    assert not world.missing() and not EXPIRED.search(forager.output)


@journals
def test_with_expire_the_oldest_go_and_the_app_is_never_refused(world, kind):
    """Scenario: the same with FORAGER_ON_FULL=expire. Guarantees: always 200; the newest are kept and arrive; ledger and log say how
    many went, and from which time."""
    world.judge.down()
    forager = world.start(FORAGER_JOURNAL_BYTES="4MiB", FORAGER_ON_FULL="expire", FORAGER_JOURNAL=kind)
    sender = world.sender()
    start = datetime.now(UTC)
    for _ in range(60):
        assert sender.post("traces", big()).status == 200
    world.judge.up()
    forager.wait_settled()
    book = forager.book()
    assert book["expired"] > 0 and book["expired"] + book["delivered"] == 1200
    wait_until(lambda: expired_in_log(forager)[0] == book["expired"], 10, "log lines for all that expired")
    _, lines = expired_in_log(forager)
    for line in lines:
        oldest, newest = (datetime.fromisoformat(line.group(number)) for number in (3, 4))
        assert start - timedelta(seconds=1) <= oldest <= newest <= datetime.now(UTC)
        assert "FORAGER_ON_FULL" in line.group(5) or "room" in line.group(5)
    newest = list(world.acknowledged.ids)[-book["delivered"] // 2 :]
    assert not set(newest) & set(world.missing()), "the newest must have been kept"


@journals
@pytest.mark.parametrize("signal", list(otlp.BUILDERS))
def test_over_retention_data_expires_and_newer_arrives(world, signal, kind):
    """Scenario: the destination is down for longer than FORAGER_RETENTION. Guarantees: exactly what is over age goes, and is named."""
    world.judge.down()
    forager = world.start(FORAGER_RETENTION="1s", FORAGER_JOURNAL=kind)
    assert world.sender().post(signal, otlp.BUILDERS[signal](7)).status == 200
    forager.wait_for_book(signal=signal, held=0, expired=7)
    total, lines = expired_in_log(forager)
    assert total == 7 and len(lines) == 1 and lines[0].group(3) == lines[0].group(4)
    world.judge.up()
    assert world.sender().post(signal, otlp.BUILDERS[signal](3)).status == 200
    forager.wait_for_book(signal=signal, held=0, expired=7, delivered=3)
    assert world.judge.count(signal) == 3
