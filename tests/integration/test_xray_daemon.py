"""Apps with the AWS X-Ray SDK need Forager alone: UDP and TCP where the X-Ray daemon would be."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from aws_judge import KEY_ID, SECRET, AwsJudge, Fault
from forager import EXIT_LOST, EXIT_OK, NOT_DELIVERED, Forager, clean_environment, wait_until
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SUPPORT = Path(__file__).resolve().parents[1] / "support"
HEADER = b'{"format":"json","version":1}\n'
RULE = {
    "ResourceARN": "*", "Priority": 100, "ReservoirSize": 0, "ServiceType": "*", "Host": "*", "HTTPMethod": "*",
    "URLPath": "*", "Version": 1, "Attributes": {},
}  # fmt: skip


class Place:
    """A judge for X-Ray and a Forager with its daemon's port; the books are checked at the end."""

    def __init__(self) -> None:
        self.judge = AwsJudge()
        self.token = ""
        self.forager: Forager | None = None
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def start(self, **changes: str) -> Forager:
        settings = {
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_SESSION_TOKEN": self.token,
            "AWS_REGION": self.judge.region,
            "FORAGER_XRAY_ENDPOINT": self.judge.url,
            "FORAGER_XRAY_DAEMON_LISTEN": "127.0.0.1:0",
            "FORAGER_DESTINATIONS": "xray",
            "FORAGER_STOP_QUIET": "50ms",
            "FORAGER_STOP_GRACE": "5s",
            "FORAGER_RETRY_INITIAL": "100ms",
            "FORAGER_RETRY_MAX": "500ms",
            "FORAGER_PROBE_INTERVAL": "500ms",
        }
        self.forager = Forager(**{name: value for name, value in (settings | changes).items() if value})
        return self.forager.wait_ready()

    @property
    def port(self) -> int:
        assert self.forager
        return self.forager._port("xray-daemon")

    def send(self, *datagrams: bytes) -> None:
        for each in datagrams:
            self.socket.sendto(each, ("127.0.0.1", self.port))

    def app(self, *words: str) -> Any:
        """The app with the real SDK, to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, str(SUPPORT / "xray_app.py"), *words],
            env=clean_environment(AWS_XRAY_DAEMON_ADDRESS=f"127.0.0.1:{self.port}", AWS_EC2_METADATA_DISABLED="true"),
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def door(self, signal: str = "segments") -> dict[str, Any]:
        assert self.forager
        return next((each for each in self.forager.ledger()["door"] if each["signal"] == signal), {})

    def received(self) -> dict[str, int]:
        """What the daemon's port has counted."""
        assert self.forager
        found = {}
        for name, value in self.forager.metrics().items():
            if match := re.fullmatch(r'forager_requests_received_total\{protocol="xray-daemon",code="(\w+)"\}', name):
                found[match[1]] = int(value)
        return found

    def wait_delivered(self, count: int, destination: str = "xray", signal: str = "segments") -> dict[str, int]:
        assert self.forager

        def right() -> dict[str, int]:
            book = self.forager.book(signal, destination)
            return book if book.get("delivered") == count and book["held"] == 0 else {}

        try:
            return wait_until(right, 20, f"{count} {signal} delivered to {destination}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.forager.book(signal, destination)}, {self.received()}") from error

    def check(self) -> None:
        assert self.judge.wrong == []
        if self.forager is None or not self.forager.running:
            return
        ledger = self.forager.ledger()
        assert ledger["balanced"], ledger.get("imbalance")
        books = {(each["destination"], each["signal"]): each for each in ledger["destinations"]}
        for book in books.values():
            assert book["accepted"] == sum(book[name] for name in ("delivered", *NOT_DELIVERED)), book
        if book := books.get(("xray", "segments")):
            assert len(self.judge.documents) == book["delivered"], (book, len(self.judge.documents))
        held = sum(book["held"] for book in books.values())
        assert self.forager.terminate() in ({EXIT_OK, EXIT_LOST} if held else {EXIT_OK}), self.forager.output
        assert SECRET not in self.forager.output

    def close(self) -> None:
        try:
            self.check()
        finally:
            if self.forager is not None and self.forager.running:
                self.forager.kill()
            if self.forager is not None:
                print(self.forager.output)
            self.judge.__exit__()
            self.socket.close()


@pytest.fixture
def place() -> Iterator[Place]:
    it = Place()
    yield it
    it.close()


def document(number: int, text: str = "") -> str:
    return json.dumps({"id": f"{number:016x}", "trace_id": f"1-5880168b-{number:024x}", "name": "n", "metadata": {"d": {"text": text}}})


def parsed(documents: list[str]) -> dict[str, Any]:
    return {json.loads(each)["id"]: json.loads(each) for each in documents}


def test_segments_of_the_real_sdk_arrive_as_they_were_sent(place):
    place.start()
    sent = place.app("segments", "120")["sent"]
    assert len(sent) == 120
    place.wait_delivered(120)
    assert sorted(place.judge.documents) == sorted(sent), "byte for byte"
    assert place.judge.of("traces") == [], "segments are not spans for X-Ray"
    assert len(place.judge.of("TraceSegments")) < 120, "they go in batches"


def test_subsegments_that_the_sdk_streams_arrive_too(place):
    place.start()
    sent = place.app("streamed", "40")["sent"]
    assert len(sent) > 1
    place.wait_delivered(len(sent))
    assert parsed(place.judge.documents) == parsed(sent)


def test_a_session_token_is_signed(place):
    place.token = "a/session+token=="
    place.judge.keys = {KEY_ID: (SECRET, place.token)}
    place.start()
    place.send(HEADER + document(1).encode())
    place.wait_delivered(1)


def test_sampling_rules_and_targets_come_from_x_ray(place):
    place.judge.rules = [
        RULE | {"RuleName": "quiet", "FixedRate": 0.0, "ServiceName": "quiet", "Priority": 1},
        RULE | {"RuleName": "Default", "FixedRate": 1.0, "ServiceName": "*", "Priority": 10000},
    ]
    place.start()
    quiet = place.app("sampling", "quiet")
    assert quiet["rules"] == {"quiet": 0.0, "Default": 1.0}
    assert quiet["decisions"] == [False] * 10
    loud = place.app("sampling", "loud")
    assert loud["decisions"] == [True] * 10
    assert loud["targets"]["Default"]["rate"] == 0.5
    assert loud["targets"]["Default"]["quota"] == 3
    asked = [json.loads(each.body)["SamplingStatisticsDocuments"] for each in place.judge.of("SamplingTargets")]
    assert [[(one["RuleName"], one["RequestCount"]) for one in each] for each in asked] == [[("quiet", 10)], [("Default", 10)]]


@pytest.mark.parametrize("why", ["X-Ray is away", "no credentials"])
def test_without_x_ray_the_sdk_samples_by_its_own_rules(place, why):
    changes = {"FORAGER_XRAY_ENDPOINT": "http://127.0.0.1:9"} if why == "X-Ray is away" else {}
    if why == "no credentials":
        changes = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
    place.start(**changes)
    app = place.app("sampling", "shop")
    assert app["failed"] and app["rules"] == {}
    assert app["decisions"][0], "of its local rules the first request of a second is sampled"
    connection = HTTPConnection("127.0.0.1", place.port, timeout=15)
    connection.request("POST", "/GetSamplingRules", b"{}")
    assert connection.getresponse().status == (502 if why == "X-Ray is away" else 403)
    connection.close()
    assert place.judge.requests == []


def test_nothing_but_sampling_is_forwarded(place):
    place.start()
    for method, path, status in [
        ("GET", "/", 404), ("POST", "/TraceSegments", 404), ("POST", "/GetSamplingRules/x", 404),
        ("POST", f"{place.judge.url}/GetSamplingRules", 404), ("GET", "/SamplingTargets", 405),
    ]:  # fmt: skip
        connection = HTTPConnection("127.0.0.1", place.port, timeout=15)
        connection.request(method, path, b"{}")
        assert connection.getresponse().status == status, (method, path)
        connection.close()
    assert place.judge.requests == []


def test_malformed_datagrams_are_dropped_and_counted(place):
    place.start()
    place.send(b"counter:1|c", HEADER, b'{"format":"json","version":2}\n{}', b'{"format":"xml","version":1}\n{}')
    place.send(b"\n{}", b"\xff\xfe\n\x00", HEADER[:-1], HEADER + b"T1S****", b"")
    place.send(b'{"Format":"JSON","version":1}\n' + document(1).encode(), HEADER + b"not JSON at all")
    book = place.wait_delivered(1)
    assert book["rejected"] == 1, "the daemon forwards what isn't JSON, and X-Ray says that it is wrong"
    assert place.judge.documents == [document(1)]
    assert place.received()["malformed"] == 8
    assert place.received()["segment"] == 2
    refused = {each["reason"]: each["requests"] for each in place.door()["refused"]}
    refused_traces = {each["reason"]: each["requests"] for each in place.door("traces")["refused"]}
    assert refused == {"malformed": 7} and refused_traces == {"malformed": 1}
    said = [line for line in place.forager.lines if "a datagram is dropped" in line.text]
    assert len(said) == 1, "a line in ten seconds, however many there are"


def test_segments_wait_until_x_ray_takes_them(place):
    place.judge.faults.append(Fault("unavailable", times=None))
    place.start()
    documents = [document(number, "x" * 1000) for number in range(200)]
    place.send(*(HEADER + each.encode() for each in documents))
    wait_until(lambda: place.forager.book("segments", "xray").get("held") == 200, 20, "200 held")
    place.judge.faults.clear()
    place.wait_delivered(200)
    assert sorted(place.judge.documents) == sorted(documents)


def test_the_largest_datagrams_arrive(place):
    place.start()
    place.send(HEADER + document(1, "x" * 60_000).encode())
    place.wait_delivered(1)
    assert place.judge.documents == [document(1, "x" * 60_000)]


def test_what_came_before_the_end_is_delivered(place):
    place.start()
    place.send(*(HEADER + document(number).encode() for number in range(300)))
    assert place.forager.terminate() == EXIT_OK, place.forager.output
    assert len(place.judge.documents) == 300
    assert "segments" in place.forager.output.splitlines()[-1]


def test_otlp_of_the_newer_distribution_is_taken(place):
    place.start()
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = b"t" * 16, b"s" * 8, "from UDP"
    span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
    text = base64.b64encode(request.SerializeToString())
    place.send(HEADER + b"T1S" + text, HEADER + b"T1U" + text)
    place.wait_delivered(1, signal="traces")
    arrived = ExportTraceServiceRequest.FromString(place.judge.of("traces")[0].plain)
    assert arrived.resource_spans[0].scope_spans[0].spans[0] == span
    wait_until(lambda: place.received()["unsampled"] == 1, 10, "the unsampled one")


def test_a_stop_before_the_first_credentials_is_no_fault(place):
    """Scenario: whoever has the credentials doesn't answer, and Forager is stopped meanwhile. Guarantees: no warning about that."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        changes = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{silent.getsockname()[1]}/", "AWS_EC2_METADATA_DISABLED": "true"}
        forager = place.start(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", **changes)
        asked, _ = silent.accept()
        with asked:
            assert forager.terminate() == EXIT_OK, forager.output
    assert "no AWS credentials yet" not in forager.output


def test_it_is_off_unless_it_is_asked_for(place):
    forager = place.start(FORAGER_XRAY_DAEMON_LISTEN="")
    assert "xray-daemon" not in forager.output
    assert place.door() == {}, "and no page speaks of segments"


# --- segments as spans


def attributes(of: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in of}


def nanos(seconds: float) -> int:
    """Of the decimal that JSON has of it, exactly."""
    whole, _, part = repr(seconds).partition(".")
    return int(whole) * 10**9 + int(part.ljust(9, "0")[:9])


def flat(segment: dict[str, Any], parent: str | None = None) -> Iterator[tuple[dict[str, Any], str | None]]:
    yield segment, segment.get("parent_id") or parent
    for each in segment.get("subsegments", []):
        yield from flat(each, segment["id"])


def test_other_destinations_get_spans_and_x_ray_segments(place, world):
    place.start(
        **world.settings(),
        FORAGER_DESTINATIONS="xray,honeycomb",
        FORAGER_XRAY_SEGMENTS_AS_SPANS="on",
    )
    sent = [json.loads(each) for each in place.app("segments", "30")["sent"]]
    place.wait_delivered(30)
    expected = [(each, parent, whole) for whole in sent for each, parent in flat(whole)]
    place.wait_delivered(len(expected), "honeycomb", "traces")
    assert place.judge.of("traces") == [], "X-Ray has them as segments"
    assert place.forager.book("traces", "xray").get("accepted", 0) == 0
    spans = {}
    for request in world.judge.requests:
        if not request.stored:
            continue
        for resource in request.message.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    spans[span.span_id.hex()] = (span, attributes(resource.resource.attributes))
    assert len(spans) == len(expected)
    for segment, parent, whole in expected:
        span, resource = spans[segment["id"]]
        assert span.trace_id.hex() == whole["trace_id"][2:].replace("-", "")
        assert span.parent_span_id.hex() == (parent or "")
        assert span.name == segment["name"]
        assert span.start_time_unix_nano == nanos(segment["start_time"])
        assert span.end_time_unix_nano == nanos(segment["end_time"])
        assert resource["service.name"] == "shop" and resource["service.version"] == "1.2.3"
        assert resource["telemetry.sdk.language"] == "python"
        has = attributes(span.attributes)
        assert (span.status.code == 2) == bool(segment.get("fault"))
        if segment is whole:
            assert has["order"] == segment["annotations"]["order"]
            assert json.loads(has["aws.xray.metadata.shop.basket"]) == segment["metadata"]["shop"]["basket"]
            assert has["enduser.id"] == segment["user"]
            assert has["http.response.status_code"] == segment["http"]["response"]["status"]
            assert span.kind == 2
        assert len(span.events) == (1 if "exceptions" in segment.get("cause", {}) else 0)
        for event in span.events:
            recorded = segment["cause"]["exceptions"][0]
            said = attributes(event.attributes)
            assert (said["exception.type"], said["exception.message"]) == ("KeyError", recorded["message"])
            assert said["exception.stacktrace"].startswith("Traceback (most recent call last):\n  File ")
            assert said["exception.stacktrace"].rstrip().endswith(recorded["message"])
