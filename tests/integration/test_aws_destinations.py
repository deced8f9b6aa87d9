"""X-Ray and CloudWatch Logs alone, against a judge that recomputes every signature by botocore and refuses a whole call for one broken limit."""

from __future__ import annotations

import random
import time

import pytest
from aws_judge import KEY_ID, SECRET, AwsJudge, Fault
from aws_limits import AHEAD_NS, DAY_NS, ENVELOPE_BYTES, PAST_NS, SPAN_BYTES
from forager import Forager, wait_until
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sender import Sender

REGION = "eu-west-1"
MINUTE_NS = 60 * 10**9


@pytest.fixture
def aws():
    with AwsJudge(region=REGION) as judge:
        yield judge
        assert not judge.wrong, judge.wrong[:5]


@pytest.fixture
def start(aws):
    """Starts a Forager with the given destinations; at the end its books must balance."""
    started: list[Forager] = []

    def start(destinations: str, **settings: str) -> tuple[Forager, Sender]:
        forager = Forager(
            **{
                "FORAGER_DESTINATIONS": destinations,
                "AWS_ACCESS_KEY_ID": KEY_ID,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_REGION": REGION,
                "FORAGER_XRAY_ENDPOINT": aws.url,
                "FORAGER_CLOUDWATCH_ENDPOINT": aws.url,
                "FORAGER_PROBE_INTERVAL": "300ms",
            }
            | settings
        ).wait_ready()
        started.append(forager)
        return forager, Sender(forager.http_port)

    yield start
    for forager in started:
        assert not forager.ledger().get("imbalance"), forager.ledger()
        assert forager.terminate() == 0, forager.output
        assert SECRET not in forager.output


def settled(forager: Forager, signal: str, destination: str, items: int, timeout: float = 60) -> dict[str, int]:
    def done():
        book = forager.book(signal, destination)
        return book if book.get("accepted") == items and book["held"] == 0 else None

    return wait_until(done, timeout, f"{items} {signal} at {destination}")


class Around:
    """Requests whose sizes, counts and times lie on a limit, beside it, or far from it. `fine`: items that no rule forbids."""

    def __init__(self, seed: int) -> None:
        self.random, self.items, self.fine = random.Random(seed), 0, 0

    def time(self) -> tuple[int, bool]:
        kind = self.random.randrange(12)
        edges = {0: (-PAST_NS, 1), 1: (AHEAD_NS, -1), 2: (-PAST_NS, -1), 3: (AHEAD_NS, 1), 4: (-DAY_NS, 1), 5: (-2 * DAY_NS, 1)}
        off, inwards = edges.get(kind, (0, -1))
        # A margin of 15 minutes is Forager's right: for the time until it is sent, and for clocks.
        off += inwards * self.random.randrange(20, 60) * MINUTE_NS if kind in edges else -self.random.randrange(MINUTE_NS)
        return time.time_ns() + off, kind not in (2, 3)

    def envelope(self, resource) -> bool:
        size = self.random.choice([10] * 9 + [ENVELOPE_BYTES - 60, ENVELOPE_BYTES + 10])
        resource.resource.attributes.add(key="service.name").value.string_value = self.random.choice("abc")
        resource.resource.attributes.add(key="k").value.string_value = "r" * size
        return size < ENVELOPE_BYTES

    def traces(self, mood: str) -> ExportTraceServiceRequest:
        request = ExportTraceServiceRequest()
        for _ in range(self.random.randrange(1, 4)):
            resource = request.resource_spans.add()
            enveloped = self.envelope(resource)
            scope = resource.scope_spans.add()
            count = self.random.randrange(3000, 6000) if mood == "many" else self.random.randrange(1, 20)
            for _ in range(count):
                start, inside = (time.time_ns() - MINUTE_NS, True) if mood == "many" else self.time()
                size = self.random.choice([10, 150_000, SPAN_BYTES - 100, SPAN_BYTES + 10]) if mood == "large" else 10
                scope.spans.add(name=f"{self.items} ".ljust(size, "x"), start_time_unix_nano=start, end_time_unix_nano=start + 10**6)
                self.items += 1
                self.fine += enveloped and inside and size < SPAN_BYTES
        return request

    def logs(self, mood: str) -> ExportLogsServiceRequest:
        request = ExportLogsServiceRequest()
        for _ in range(self.random.randrange(1, 4)):
            resource = request.resource_logs.add()
            enveloped = self.envelope(resource)
            scope = resource.scope_logs.add()
            for _ in range(self.random.randrange(1000, 4000) if mood == "many" else self.random.randrange(1, 20)):
                when, inside = (time.time_ns() - MINUTE_NS, True) if mood == "many" else self.time()
                size = self.random.choice([10, 300_000, 900_000, 1_000_000]) if mood == "large" else 10
                text = self.random.choice(["x", '"', "\n", "é"]) * size
                escaped = len(text.encode()) + sum(text.count(each) for each in '"\n')
                record = scope.log_records.add(event_name=f"log {self.items}")
                record.body.string_value = text
                setattr(record, self.random.choice(["time_unix_nano", "observed_time_unix_nano"]), when)
                self.items += 1
                self.fine += enveloped and inside and escaped < 980_000
        return request


@pytest.mark.slow
@pytest.mark.parametrize(("signal", "destination"), [("traces", "xray"), ("logs", "cloudwatch")])
def test_random_workloads_around_each_limit_are_never_refused(aws, start, signal, destination):
    """Guarantees: what no rule forbids arrives once, the rest is kept apart with the reason, and no call breaks a limit."""
    forager, sender = start(destination)
    around = Around(5)
    for mood in ("times", "many", "large", "times", "large", "many", "times", "large"):
        body = getattr(around, signal)(mood).SerializeToString()
        assert sender.post(signal, body).status == 200
    book = settled(forager, signal, destination, around.items)
    assert book["delivered"] == around.fine == aws.count(signal)
    assert book["quarantined"] == around.items - around.fine
    assert aws.repeats == 0
    refusals = [each.error for each in aws.of(signal) if each.status != 200]
    assert all("does not exist" in each for each in refusals), refusals  # a group or stream that was made then
    if signal == "logs":
        assert {group for group, _ in aws.by_stream} <= {f"/forager/{name}" for name in "abc"}


def spans(count: int = 3) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for i in range(count):
        now = time.time_ns()
        scope.spans.add(name=f"span {i} {now}", start_time_unix_nano=now - 1000, end_time_unix_nano=now)
    return request.SerializeToString()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("throttle", ""),
        ("unavailable", ""),
        ("expired", "token included in the request is expired"),
        ("denied", 'xray:PutSpans is not allowed: add to the role\'s policy {"Effect":"Allow"'),
        ("tracing_off", "aws xray update-trace-segment-destination --region eu-west-1 --destination CloudWatchLogs"),
    ],
)
def test_nothing_is_lost_while_xray_refuses_and_what_to_do_is_said(aws, start, kind, words):
    forager, sender = start("xray")
    fault = Fault(kind, times=None)
    aws.faults.append(fault)
    assert sender.post("traces", spans()).status == 200
    wait_until(lambda: fault.hits >= 2, 20, "the second try")
    assert forager.book("traces", "xray")["held"] == 3
    if words:
        assert forager.destination("xray")["state"] == "parked"
        assert words in forager.output, forager.output
    aws.faults.clear()
    assert settled(forager, "traces", "xray", 3)["delivered"] == 3
    assert (aws.count("traces"), aws.repeats) == (3, 0)


@pytest.mark.parametrize("off", [-3600, 3600])
def test_a_clock_that_is_an_hour_off_is_learned_from_the_first_answer(aws, start, off):
    aws.clock = lambda: time.time() + off
    forager, sender = start("xray")
    for _ in range(3):
        assert sender.post("traces", spans()).status == 200
    assert settled(forager, "traces", "xray", 9)["delivered"] == 9
    assert len([each for each in aws.requests if each.status == 403]) <= 4  # what was in flight meanwhile


def test_a_group_and_a_stream_are_made_once_each(aws, start):
    forager, sender = start("cloudwatch", FORAGER_CLOUDWATCH_LOG_GROUP="/x/{service.name:none}", FORAGER_CLOUDWATCH_LOG_STREAM="all")
    for i in range(5):
        request = ExportLogsServiceRequest()
        for name in ("one", "two", ""):
            resource = request.resource_logs.add()
            if name:
                resource.resource.attributes.add(key="service.name").value.string_value = name
            resource.scope_logs.add().log_records.add(event_name=f"log {i} {name}")  # without a time
        assert sender.post("logs", request.SerializeToString()).status == 200
        settled(forager, "logs", "cloudwatch", 3 * (i + 1))
    assert aws.by_stream == {("/x/one", "all"): 5, ("/x/two", "all"): 5, ("/x/none", "all"): 5}
    assert len(aws.of("CreateLogGroup")) == len(aws.of("CreateLogStream")) == 3


def test_a_group_that_may_not_be_made_parks_with_the_statement(aws, start):
    forager, sender = start("cloudwatch", FORAGER_CLOUDWATCH_LOG_GROUP="/x", FORAGER_CLOUDWATCH_LOG_STREAM="all")
    aws.faults.append(Fault("denied", times=None, when=lambda received: received.operation == "CreateLogGroup"))
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=time.time_ns()).body.string_value = "hello"
    assert sender.post("logs", request.SerializeToString()).status == 200
    wait_until(lambda: forager.destination("cloudwatch")["state"] == "parked", 10, "parked")
    forager.wait_for_line(r'"Action":\["logs:CreateLogGroup","logs:CreateLogStream"\],"Resource":"arn:aws:logs:eu-west-1:\*:log-group:/x:\*"')
    aws.groups["/x"] = set()  # made by a person: the stream is Forager's to make
    assert settled(forager, "logs", "cloudwatch", 1)["delivered"] == 1


def test_what_cloudwatch_rejects_is_booked_with_its_reason(aws, start):
    forager, sender = start("cloudwatch", FORAGER_CLOUDWATCH_LOG_GROUP="/x", FORAGER_CLOUDWATCH_LOG_STREAM="all")
    aws.groups["/x"] = {"all"}
    aws.faults.append(Fault("partial", rejected=2))
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for i in range(5):
        scope.log_records.add(time_unix_nano=time.time_ns(), event_name=f"log {i}")
    assert sender.post("logs", request.SerializeToString()).status == 200
    book = settled(forager, "logs", "cloudwatch", 5)
    assert (book["delivered"], book["rejected"], aws.count("logs")) == (3, 2, 3)
