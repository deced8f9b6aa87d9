"""The judge of AWS by itself: botocore's own signatures pass, anything changed afterwards doesn't, and every limit is enforced."""

from __future__ import annotations

import gzip
import http.client
import json
import time

import pytest
from aws_judge import KEY_ID, SECRET, AwsJudge, Fault
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from google.rpc import status_pb2
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

HOUR = 3_600 * 10**9


@pytest.fixture
def aws():
    with AwsJudge(groups={"/app": {"all"}}) as it:
        yield it


class Client:
    def __init__(self, aws: AwsJudge) -> None:
        self.aws, self.connection = aws, http.client.HTTPConnection("127.0.0.1", aws.port)

    def send(self, path: str, body: bytes, headers: dict[str, str], service: str, change=None) -> tuple[int, bytes]:
        request = AWSRequest("POST", self.aws.url + path, headers, body)
        SigV4Auth(Credentials(KEY_ID, SECRET), service, self.aws.region).add_auth(request)
        prepared = {name: str(value) for name, value in request.headers.items()}
        if change:
            body = change(prepared, body) or body
        self.connection.request("POST", path, body, prepared)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def traces(self, request, change=None) -> tuple[int, str]:
        body = gzip.compress(request.SerializeToString())
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
        status, answer = self.send("/v1/traces", body, headers, "xray", change)
        return status, status_pb2.Status.FromString(answer).message if status != 200 else ""

    def logs(self, request, group: str = "/app", stream: str = "all") -> tuple[int, bytes]:
        headers = {"Content-Type": "application/x-protobuf", "x-aws-log-group": group, "x-aws-log-stream": stream}
        return self.send("/v1/logs", request.SerializeToString(), headers, "logs")

    def api(self, operation: str, **body) -> tuple[int, dict]:
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Logs_20140328.{operation}"}
        status, answer = self.send("/", json.dumps(body).encode(), headers, "logs")
        return status, json.loads(answer or b"{}")


@pytest.fixture
def client(aws):
    return Client(aws)


def spans(count: int = 1, *, start: int = 0, lasting: int = 10**6, name: str = "", resource: str = "", scope: str = "") -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    if resource:
        group.resource.attributes.add(key="k").value.string_value = resource
    inner = group.scope_spans.add()
    inner.scope.name = scope
    first = time.time_ns() + start
    for i in range(count):
        inner.spans.add(name=name or f"span {i}", start_time_unix_nano=first, end_time_unix_nano=first + lasting)
    return request


def logs(count: int = 1, *, body: str = "hello", start: int = 0) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for i in range(count):
        records.add(time_unix_nano=time.time_ns() + start, event_name=f"log {i}").body.string_value = body
    return request


def test_what_botocore_signs_is_stored_once_by_id(aws, client):
    request = spans(3)
    assert client.traces(request)[0] == client.traces(request)[0] == 200
    assert (aws.count("traces"), len(aws.seen), aws.repeats, aws.wrong) == (6, 3, 3, [])
    assert all(each.signature_good for each in aws.requests)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda headers, body: gzip.compress(spans(2).SerializeToString()), "does not match"),
        (lambda headers, body: headers.update({"Content-Type": "application/json"}), "does not match"),
        (lambda headers, body: headers.update({"X-Amz-Unsigned": "1"}), "not signed"),
        (lambda headers, body: headers.update({"Authorization": headers["Authorization"].replace("/xray/", "/logs/")}), "signed for"),
    ],
)
def test_a_request_changed_after_it_was_signed_is_refused_and_noted(aws, client, change, words):
    status, said = client.traces(spans(), change)
    assert status in (400, 403)
    assert words in said
    assert aws.wrong
    assert not aws.seen


def test_unknown_keys_and_missing_signatures_are_refused_but_may_happen(aws, client):
    assert "Missing Authentication Token" in client.traces(spans(), lambda headers, _: headers.pop("Authorization") and None)[1]
    aws.keys = {"OTHER": ("secret", None)}
    assert client.traces(spans()) == (403, "The security token included in the request is invalid.")
    assert aws.wrong == []


def test_a_clock_that_differs_refuses_and_says_its_time(aws, client):
    for off, words in ((3600, "Signature expired: "), (-3600, "Signature not yet current: ")):
        aws.clock = lambda off=off: time.time() + off
        assert words in client.traces(spans())[1]
    assert aws.wrong == []


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (spans(10_001), "10001 items"),
        (spans(name="x" * 200_001), "a span of"),
        (spans(resource="x" * 16_000), "a resource of"),
        (spans(scope="x" * 16_000), "a scope of"),
        (spans(30, name="x" * 190_000), "bytes uncompressed"),
        (spans(start=-14 * 24 * HOUR), "too old"),
        (spans(start=3 * HOUR), "too new"),
        (spans(start=-25 * HOUR, lasting=25 * HOUR), "24 hours apart"),
    ],
)
def test_a_limit_of_xray_that_is_broken_refuses_the_whole_call(aws, client, request_, words):
    status, said = client.traces(request_)
    assert status == 400
    assert words in said
    assert words in aws.wrong[0]
    assert not aws.seen


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (logs(10_001), "10001 items"),
        (logs(body="x" * 1_000_000), "an event of"),
        (logs(6, body='"' * 100_000), "events of"),
        (logs(start=-15 * 24 * HOUR), "too old"),
        (logs(start=3 * HOUR), "too new"),
    ],
)
def test_a_limit_of_cloudwatch_that_is_broken_refuses_the_whole_call(aws, client, request_, words):
    status, answer = client.logs(request_)
    assert status == 400
    assert words in status_pb2.Status.FromString(answer).message
    assert not aws.seen


def test_groups_and_streams_must_exist_and_can_be_made_once(aws, client):
    assert b"log group does not exist" in client.logs(logs(), "/new", "s")[1]
    assert client.api("CreateLogStream", logGroupName="/new", logStreamName="s")[1]["__type"] == "ResourceNotFoundException"
    assert client.api("CreateLogGroup", logGroupName="/new")[0] == 200
    assert client.api("CreateLogGroup", logGroupName="/new")[1]["__type"] == "ResourceAlreadyExistsException"
    assert b"log stream does not exist" in client.logs(logs(), "/new", "s")[1]
    assert client.api("CreateLogStream", logGroupName="/new", logStreamName="s")[0] == 200
    assert client.logs(logs(2), "/new", "s")[0] == 200
    assert aws.by_stream == {("/new", "s"): 2}
    assert client.api("CreateLogGroup", logGroupName="a b")[1]["__type"] == "InvalidParameterException"


def test_it_answers_the_errors_it_is_told_to_for_as_long_as_it_is_told(aws, client):
    aws.faults += [Fault("throttle", times=1), Fault("expired", times=1), Fault("tracing_off", times=None)]
    statuses = [client.traces(spans()) for _ in range(4)]
    assert [status for status, _ in statuses] == [429, 403, 400, 400]
    assert statuses[2][1].startswith("The OTLP API is supported with CloudWatch Logs as a Trace Segment Destination")
    aws.faults.clear()
    aws.faults.append(Fault("denied", when=lambda received: received.operation == "CreateLogGroup"))
    assert "logs:CreateLogGroup" in client.api("CreateLogGroup", logGroupName="/x")[1]["message"]
    aws.faults.append(Fault("partial", rejected=2))
    answer = ExportLogsServiceResponse.FromString(client.logs(logs(5))[1])
    assert answer.partial_success.rejected_log_records == 2
    assert (aws.count("logs"), aws.wrong) == (3, [])


def test_segments_are_counted_and_the_bad_ones_said(aws, client):
    good = json.dumps({"id": "1" * 16, "trace_id": "1-5f84c7a5-" + "a" * 24, "name": "app"})
    body = json.dumps({"TraceSegmentDocuments": [good, "{", json.dumps({"id": "x"})]}).encode()
    status, answer = client.send("/TraceSegments", body, {"Content-Type": "application/json"}, "xray")
    assert status == 200
    assert [each["ErrorCode"] for each in json.loads(answer)["UnprocessedTraceSegments"]] == ["ParseError", "InvalidSegment"]
    assert (aws.documents, aws.count("segments")) == ([good], 1)
