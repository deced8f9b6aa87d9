"""The judge by itself: it can only judge others if it is right about Honeycomb's rules and exact in its counts."""

from __future__ import annotations

import gzip
import http.client
import json
import subprocess
import sys
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.request import Request, urlopen

import otlp
import pytest
import zstandard
from forager import wait_until
from google.rpc import status_pb2
from judge import Judge, events_of, faults
from judge.items import REQUESTS, RESPONSES, SIGNALS, items_of, rebuild
from judge.server import OUR_KEY
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

PROTOBUF = "application/x-protobuf"
CLASSIC = "0123456789abcdef" * 2


@pytest.fixture
def judge():
    with Judge() as it:
        yield it


class Client:
    def __init__(self, judge: Judge) -> None:
        self._connection = http.client.HTTPSConnection(
            "localhost", judge.port, context=judge.client_context, timeout=10
        )

    def post(self, body: bytes, *, path="/v1/traces", kind=PROTOBUF, key: str | None = OUR_KEY, **headers):
        all_headers = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            all_headers["X-Honeycomb-Team"] = key
        self._connection.request("POST", path, body, all_headers)
        answer = self._connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def client(judge):
    it = Client(judge)
    yield it
    it.close()


def body_of(spans: int = 1, **words) -> bytes:
    return otlp.traces(spans, **words).SerializeToString()


def test_a_real_sdk_is_understood_down_to_the_attributes(judge):
    """The Python SDK's HTTP exporter, TLS and gzip included, gives one event a span."""
    exporter = OTLPSpanExporter(
        endpoint=f"{judge.url}/v1/traces",
        headers={"x-honeycomb-team": OUR_KEY},
        certificate_file=str(judge.ca_file),
    )
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("tests", "1.2")
    with tracer.start_as_current_span("outer", attributes={"a.list": ["x", "y"], "n": 3}):
        with tracer.start_as_current_span("inner") as inner:
            inner.record_exception(ValueError("no"))
    provider.shutdown()
    spans = {event.name: event for event in judge.events("span")}
    assert spans.keys() == {"outer", "inner"}
    outer, inner = spans["outer"], spans["inner"]
    assert outer.dataset == "shop" and outer.key == OUR_KEY and outer.sample_rate == 1
    assert outer.data["a.list"] == '["x","y"]' and outer.data["n"] == 3
    assert outer.data["library.name"] == "tests" and outer.data["library.version"] == "1.2"
    assert inner.data["trace.parent_id"] == outer.span_id and inner.trace_id == outer.trace_id
    assert inner.data["exception.message"] == "no" and inner.data["span.num_events"] == 1
    [note] = judge.events("span_event")
    assert note.data["parent_name"] == "inner" and note.data["meta.annotation_type"] == "span_event"
    assert inner.data["duration_ms"] >= 0


@pytest.mark.parametrize("signal", SIGNALS)
def test_each_signal_is_stored_and_answered_in_the_encoding_of_the_request(judge, client, signal):
    """Success is 200 with an empty response message; counts are exact."""
    message = otlp.BUILDERS[signal](3)
    status, headers, answer = client.post(message.SerializeToString(), path=f"/v1/{signal}")
    assert (status, headers["Content-Type"], answer) == (200, PROTOBUF, b"")
    assert judge.count(signal) == 3 and judge.counts == {signal: 3} and len(judge.events()) == 3


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/X-Protobuf", "text/plain", ""])
def test_content_types_are_compared_exactly(judge, client, kind):
    """Anything but the three exact strings is 415 in plain text (PROTOCOLS 2.2)."""
    status, headers, answer = client.post(body_of(), kind=kind)
    assert status == 415 and headers["Content-Type"] == "text/plain"
    assert answer.startswith(b"unsupported content-type, valid types are: application/protobuf")
    assert not judge.events()


def test_a_missing_an_unknown_and_a_classic_key_are_told_apart(judge, client):
    """401 with Honeycomb's words, as google.rpc.Status in the request's encoding (PROTOCOLS 2.5)."""
    status, _, answer = client.post(body_of(), key=None)
    assert status == 401
    assert status_pb2.Status.FromString(answer).message == "missing 'x-honeycomb-team' header"
    status, _, answer = client.post(b"{}", key=None, kind="application/json")
    assert status == 401 and json.loads(answer)["message"] == "missing 'x-honeycomb-team' header"
    assert client.post(body_of(), key="f" * 32)[0] == 401
    judge.keys.add(CLASSIC)
    status, _, answer = client.post(body_of(), key=CLASSIC)
    assert status == 401 and b"missing 'x-honeycomb-dataset' header" in answer
    assert client.post(body_of(), key=CLASSIC, x_honeycomb_dataset="old")[0] == 200
    assert judge.events("span")[0].dataset == "old"


def test_concatenated_bodies_members_and_frames_are_one_request(judge, client):
    """FACTS 13: two bodies, gzip of two members, zstd of two frames are all taken, all items there."""
    one, two = body_of(2), body_of(3)
    assert client.post(one + two)[0] == 200
    assert client.post(gzip.compress(one) + gzip.compress(two), Content_Encoding="gzip")[0] == 200
    frames = zstandard.compress(one) + zstandard.ZstdCompressor(write_content_size=False).compress(two)
    assert client.post(frames, Content_Encoding="zstd")[0] == 200
    assert judge.counts["traces"] == 15 and judge.count("traces") == 5 and judge.repeats == 10


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_truncated_compressed_body_is_400(judge, client, encoding):
    """Half a member or frame is an error, never half of the spans."""
    body = body_of(50)
    whole = gzip.compress(body) if encoding == "gzip" else zstandard.compress(body)
    status, _, answer = client.post(whole[:-9], Content_Encoding=encoding)
    assert status == 400 and b"failed to parse OTLP request body" in answer
    assert not judge.counts


def test_broken_protobuf_and_unknown_json_fields_are_400(judge, client):
    """Honeycomb decodes JSON strictly (PROTOCOLS 2.2)."""
    assert client.post(body_of()[:-3])[0] == 400
    assert client.post(b'{"resourceSpans":[],"new":1}', kind="application/json")[0] == 400
    assert client.post(b'{"resourceSpans":[]}', kind="application/json")[0] == 200
    assert client.post(body_of(), Content_Encoding="br")[0] == 400


def test_datasets_follow_the_service_name(judge, client):
    """PROTOCOLS 2.3 for an Environments and Services key."""
    for service in (" shop ", "unknown_service:python", ""):
        client.post(body_of(service=service), x_honeycomb_dataset="header")
        client.post(otlp.logs(service=service).SerializeToString(), path="/v1/logs", x_honeycomb_dataset="header")
    client.post(otlp.logs(service="").SerializeToString(), path="/v1/logs")
    client.post(otlp.metrics().SerializeToString(), path="/v1/metrics")
    client.post(otlp.metrics().SerializeToString(), path="/v1/metrics", x_honeycomb_dataset="m")
    assert [event.dataset for event in judge.events("span")] == ["shop", "unknown_service", "unknown_service"]
    assert [event.dataset for event in judge.events("log")] == ["shop", "header", "header", "unknown_log_source"]
    assert [event.dataset for event in judge.events("data_point")] == ["unknown_metrics", "m"]


def span_event(**changes):
    message = otlp.traces(1)
    span = message.resource_spans[0].scope_spans[0].spans[0]
    for name, value in changes.items():
        setattr(span, name, value)
    return message, span


def test_a_span_becomes_an_event_by_the_rules():
    """Precedence, ids, durations, errors, flattening: PROTOCOLS 2.7."""
    message, span = span_event(trace_id=bytes(8) + b"\1" * 8, end_time_unix_nano=1)
    group = message.resource_spans[0]
    group.resource.attributes.append(otlp.attribute("who", "resource"))
    group.scope_spans[0].scope.attributes.append(otlp.attribute("who", "scope"))
    span.status.code = 2
    span.status.message = "bad"
    deep = span.attributes.add(key="deep").value
    for level in range(7):
        deep = deep.kvlist_value.values.add(key=f"l{level}").value
    deep.int_value = 1
    span.links.add(trace_id=b"\2" * 16, span_id=b"\3" * 8)
    link, event = events_of("traces", message, OUR_KEY)
    assert event.data["who"] == "scope" and event.trace_id == "01" * 8
    assert event.data["duration_ms"] == 0 and event.data["meta.invalid_duration"] is True
    assert event.data["error"] is True and event.data["status_message"] == "bad"
    assert event.data["type"] == event.data["span.kind"] == "server"
    assert event.data["deep.l0.l1.l2.l3.l4"] == '{"l5":{"l6":1}}'
    assert link.data["trace.link.trace_id"] == "02" * 16 and link.data["trace.link.span_id"] == "03" * 8


@pytest.mark.parametrize(
    ("name", "value", "state", "rate"),
    [
        ("SampleRate", 10, "", 10),
        ("sampleRate", "2.5", "", 3),
        ("SampleRate", 0, "ot=th:8", 1),
        ("SampleRate", 2.0**40, "", 2**31 - 1),
        ("other", 1, "x=y,ot=rv:1;th:c", 4),
        ("other", 1, "th=8", 2),
        ("other", 1, "", 1),
    ],
)
def test_sample_rates_are_found_and_taken_out(name, value, state, rate):
    """The attribute wins over the tracestate's threshold; neither is left in the event."""
    message, span = span_event(trace_state=state)
    span.attributes.append(otlp.attribute(name, value))
    [event] = events_of("traces", message, OUR_KEY)
    assert event.sample_rate == rate and not {"SampleRate", "sampleRate"} & event.data.keys()


def test_a_log_with_only_an_observed_time_is_stored_at_1970(judge, client):
    """Honeycomb has no fallback; Forager has to supply one (PROTOCOLS 2.7)."""
    message = otlp.logs(1)
    record = message.resource_logs[0].scope_logs[0].log_records[0]
    record.ClearField("time_unix_nano")
    record.severity_number = 17
    record.trace_id, record.span_id = b"\1" * 16, b"\2" * 8
    client.post(message.SerializeToString(), path="/v1/logs")
    [event] = judge.events("log")
    assert event.time_ns == 0 and event.data["severity"] == "error" and event.data["body"] == "hello"
    assert event.data["trace.parent_id"] == "02" * 8 and event.data["meta.annotation_type"] == "span_event"


@pytest.mark.parametrize("signal", SIGNALS)
def test_items_taken_apart_and_rebuilt_are_the_same(signal):
    """The reader that all identities rest on loses nothing and agrees with protobuf's own parser."""
    message = otlp.BUILDERS[signal](4)
    items = list(items_of(signal, message.SerializeToString()))
    again = list(items_of(signal, rebuild(items)))
    assert [item.id for item in items] == [item.id for item in again] and len({item.id for item in items}) == 4
    assert [item.canonical for item in items] == [item.canonical for item in again]
    parsed = REQUESTS[signal].FromString(rebuild(items))
    assert len(list(events_of(signal, parsed, OUR_KEY))) == 4


def test_faults_with_a_status_are_met_as_often_as_told(judge, client):
    """429 in both forms of Retry-After, 503, a redirect; then all is well again."""
    judge.faults.add(faults.Status(code=429, retry_after=3, times=1))
    judge.faults.add(faults.Status(code=429, retry_after=60, as_date=True, times=1))
    judge.faults.add(faults.Status(code=503, times=2))
    judge.faults.add(faults.Redirect(times=1))
    answers = [client.post(body_of()) for _ in range(6)]
    assert [status for status, _, _ in answers] == [429, 429, 503, 503, 307, 200]
    assert answers[0][1]["Retry-After"] == "3"
    date = parsedate_to_datetime(answers[1][1]["Retry-After"])
    assert 50 < date.timestamp() - time.time() < 61
    assert answers[4][1]["Location"].startswith("https://")
    assert judge.count("traces") == 1


def test_faults_about_content_meet_only_what_they_are_about(judge, client):
    """Poison, size, encoding and key."""
    judge.faults.add(faults.Poison(needle="poison"))
    judge.faults.add(faults.TooLarge(bytes=2000))
    judge.faults.add(faults.RefuseEncoding())
    judge.faults.add(faults.WrongKey(until=OUR_KEY))
    assert client.post(body_of(3) + body_of(name="poison"))[0] == 400
    assert client.post(body_of(3))[0] == 200
    assert client.post(body_of(100))[0] == 413
    assert client.post(zstandard.compress(body_of()), Content_Encoding="zstd")[0] == 415
    assert client.post(gzip.compress(body_of()), Content_Encoding="gzip")[0] == 200
    assert client.post(body_of(), key=CLASSIC)[0] == 401
    assert judge.count("traces") == 4


def test_a_lost_reply_is_stored_and_a_reset_is_not(judge):
    """Both end the connection; the difference is what a repeat means."""
    judge.faults.add(faults.LoseReply(times=1))
    judge.faults.add(faults.Reset(times=1))
    body = body_of(2)
    for _ in range(2):
        client = Client(judge)
        with pytest.raises((OSError, http.client.HTTPException)):
            client.post(body)
        client.close()
    client = Client(judge)
    assert client.post(body)[0] == 200
    client.close()
    assert judge.counts["traces"] == 4 and judge.count("traces") == 2 and judge.repeats == 2
    assert [each.status for each in judge.requests] == [0, 0, 200]
    assert len({each.sha256 for each in judge.requests}) == 1


def test_partial_success_rejects_the_first_and_stores_the_rest(judge, client):
    """The count is in the answer, the rejected items aren't in the events."""
    judge.faults.add(faults.Partial(rejected=2, times=1))
    status, _, answer = client.post(body_of(5))
    told = RESPONSES["traces"].FromString(answer).partial_success
    assert (status, told.rejected_spans, told.error_message) == (200, 2, "some were rejected")
    assert judge.count("traces") == 3 and [event.name for event in judge.events("span")] == [
        "span 2",
        "span 3",
        "span 4",
    ]


def test_down_refuses_and_up_is_on_the_same_port(judge, client):
    """Open connections are cut, new ones refused, and the port isn't given to anybody else."""
    assert client.post(body_of())[0] == 200
    port = judge.port
    judge.down()
    for each in (client, Client(judge)):
        with pytest.raises((OSError, http.client.HTTPException)):
            each.post(body_of())
        each.close()
    judge.up()
    again = Client(judge)
    assert judge.port == port and again.post(body_of())[0] == 200
    again.close()


def test_connections_that_end_leave_nothing_behind(judge):
    """Hundreds of short connections, with and without an answer: no descriptor stays open for them."""
    judge.faults.add(faults.Reset(times=50))

    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = descriptors()
    for _ in range(200):
        client = Client(judge)
        try:
            client.post(body_of())
        except (OSError, http.client.HTTPException):
            pass
        client.close()
    wait_until(lambda: descriptors() <= before + 5, 5, "closed connections")
    assert judge.count("traces") == 150


def test_slow_and_hang_hold_the_answer(judge):
    """A hang ends when the fault is taken away, without an answer and without storing."""
    slow = judge.faults.add(faults.Slow(seconds=0.2, times=1))
    client, start = Client(judge), time.monotonic()
    assert client.post(body_of())[0] == 200 and time.monotonic() - start >= 0.2 and slow.hits == 1
    hang = judge.faults.add(faults.Hang())
    client._connection.sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.post(body_of())
    assert hang.hits == 1
    judge.faults.clear()
    client.close()
    assert judge.count("traces") == 1


def test_the_key_check_answers_as_documented(judge):
    """GET /1/auth (PROTOCOLS 2.8)."""
    connection = http.client.HTTPSConnection("localhost", judge.port, context=judge.client_context)
    connection.request("GET", "/1/auth", headers={"X-Honeycomb-Team": OUR_KEY})
    answer = connection.getresponse()
    told = json.loads(answer.read())
    assert answer.status == 200 and told["type"] == "ingest" and told["environment"]["slug"] == "test"
    connection.request("GET", "/1/auth", headers={"X-Honeycomb-Team": "no"})
    assert connection.getresponse().status == 401
    connection.close()


def test_by_hand_it_is_told_its_faults_over_the_control_port(tmp_path):
    """`python -m judge` writes the authority, takes faults, shows events, and ends on SIGTERM with a summary."""
    ca = tmp_path / "ca.pem"
    support = Path(otlp.__file__).parent
    process = subprocess.Popen(
        [sys.executable, "-m", "judge", "--port", "0", "--write-ca", str(ca), "--key", "any"],
        cwd=support, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        _, url, _, control = process.stdout.readline().split()
        assert ca.read_text().startswith("-----BEGIN CERTIFICATE-----")
        post = Request(f"{control}/faults", json.dumps({"fault": "status", "code": 503, "times": 1}).encode())
        assert json.load(urlopen(post))["faults"] == ["Status (met 0)"]
        exporter = OTLPSpanExporter(
            endpoint=f"{url}/v1/traces", headers={"x-honeycomb-team": "k"}, certificate_file=str(ca)
        )
        provider = TracerProvider(resource=Resource.create({"service.name": "hand"}))
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        provider.get_tracer("t").start_span("by hand").end()
        provider.shutdown()
        [event] = json.load(urlopen(f"{control}/events?kind=span"))
        assert event["dataset"] == "hand" and event["data"]["name"] == "by hand"
        assert [each["status"] for each in json.load(urlopen(f"{control}/requests"))] == [503, 200]
    finally:
        process.terminate()
        rest, _ = process.communicate(timeout=10)
    assert process.returncode == 0 and "2 requests" in rest
