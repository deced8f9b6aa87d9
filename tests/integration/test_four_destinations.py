"""One Flask app that raises, logs and traces; Forager beside it delivers to Honeycomb, X-Ray, CloudWatch Logs and Rollbar, each of which
has a bad time of its own."""

from __future__ import annotations

import socket
from collections import Counter

import pytest
from aws_judge import KEY_ID, SECRET, AwsJudge, Fault
from forager import NOT_DELIVERED, wait_until
from judge.faults import Slow
from rollbar_judge import TOKEN, RollbarJudge
from test_flask_app import assert_all_there_once, start_app  # noqa: F401, a fixture

REGION = "eu-west-1"
GROUP = "/forager/shop"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def rollbar():
    with RollbarJudge() as judge:
        yield judge
        assert not judge.wrong(), judge.wrong()


@pytest.fixture
def xray():
    with AwsJudge(region=REGION) as judge:
        yield judge
        assert not judge.wrong, judge.wrong


def aws_settings(xray: AwsJudge, cloudwatch: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": REGION,
        "FORAGER_XRAY_ENDPOINT": xray.url,
        "FORAGER_CLOUDWATCH_ENDPOINT": cloudwatch,
    }


def settled(forager, destination: str, signal: str) -> bool:
    """Something came for it, and nothing of it waits."""
    book = forager.book(signal, destination)
    return bool(book) and book["accepted"] > 0 and book["held"] == 0


def test_each_item_is_in_each_right_place_once_whatever_the_others_do(world, start_app, rollbar, xray):  # noqa: F811
    """Scenario: Honeycomb is slow, X-Ray refuses the credentials, CloudWatch Logs is down, Rollbar is well; then all are well.
    Guarantees: who is well has all of it at once, the others get all of it later, and each item is in each right place once."""
    port = free_port()
    world.secrets |= {SECRET, TOKEN}
    slow = world.judge.faults.add(Slow(seconds=0.5))
    refusing = Fault("invalid", times=None)
    xray.faults.append(refusing)
    forager = world.start(
        ROLLBAR_ACCESS_TOKEN=TOKEN,
        FORAGER_ROLLBAR_ENDPOINT=rollbar.url,
        FORAGER_PROBE_INTERVAL="500ms",
        **aws_settings(xray, f"http://127.0.0.1:{port}"),
    )
    app = start_app(OTEL_SERVICE_NAME="shop", OTEL_EXPORTER_OTLP_ENDPOINT=forager.endpoint)
    app.use()
    assert app.stop() == 0
    truth = app.truth()
    errors = {(each["span_id"], one["exception.type"]) for each in truth.values() for one in each["exceptions"]}
    assert len({kind for _, kind in errors}) >= 2, errors

    # who is well, and who is slow
    for destination, signal in [("rollbar", "traces"), ("rollbar", "logs"), ("honeycomb", "traces"), ("honeycomb", "logs")]:
        wait_until(lambda to=destination, what=signal: settled(forager, to, what), 20, f"{signal} at {destination}")
    assert_all_there_once(world.judge, truth)
    records = world.judge.counts["logs"]
    assert records >= 3
    assert forager.book("traces", "xray")["held"] == len(truth), "parked, not lost"
    assert forager.book("logs", "cloudwatch")["held"] == records, "down, not lost"
    assert xray.count("traces") == 0
    assert forager.destination("xray")["state"] == "parked"

    # each exception is one item, though span events and Flask's own log record both tell of it
    sent = Counter((data["custom"]["span_id"], data["body"]["trace"]["exception"]["class"]) for data in rollbar.items)
    assert set(sent.values()) == {1}, sent
    assert {kind.rpartition(".")[2] for _, kind in sent} == {kind.rpartition(".")[2] for _, kind in errors}
    assert rollbar.repeats == 0

    # the others are well again
    xray.faults.remove(refusing)
    with AwsJudge(region=REGION, port=port) as cloudwatch:
        wait_until(lambda: settled(forager, "xray", "traces"), 30, "traces at X-Ray")
        wait_until(lambda: settled(forager, "cloudwatch", "logs"), 30, "logs at CloudWatch Logs")
        assert (xray.count("traces"), xray.repeats) == (len(truth), 0)
        assert (cloudwatch.count("logs"), cloudwatch.repeats) == (records, 0)
        assert {group for group, _ in cloudwatch.by_stream} == {GROUP}
        assert not cloudwatch.wrong
        assert [each.operation for each in cloudwatch.requests].count("CreateLogGroup") == 1
    for destination, signal in [("honeycomb", "traces"), ("honeycomb", "logs"), ("xray", "traces"), ("cloudwatch", "logs")]:
        book = forager.book(signal, destination)
        assert book["delivered"] == book["accepted"] and not any(book[name] for name in NOT_DELIVERED), book
    for signal in ("traces", "logs"):
        book = forager.book(signal, "rollbar")
        assert book["delivered"] + book["filtered"] == book["accepted"], book
    world.judge.faults.remove(slow)
