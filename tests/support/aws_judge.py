"""A judge that answers as X-Ray and CloudWatch Logs do (PROTOCOLS 3.1, 3.2, 3.5, 3.6): it recomputes every signature by botocore on the
bytes that came, enforces every limit and refuses the whole call otherwise, and counts each item by its id.

In a test: ``with AwsJudge(groups={"/app": {"all"}}) as aws: ... aws.wait_for(lambda a: a.count("traces") == 5)``. One address serves both
services. `aws.wrong` says what no request may ever be; `aws.faults.append(Fault("throttle", times=2))` makes it answer errors.
"""

from __future__ import annotations

import json
import re
import ssl
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aws_limits import broken_limit
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from google.protobuf.message import DecodeError
from google.rpc import status_pb2
from judge.decode import gunzip
from judge.items import PATHS, REJECTED_FIELD, REQUESTS, RESPONSES, items_of
from judge.tls import Authority

KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # of the published examples; they open nothing

DOCUMENTS, DOCUMENT_BYTES = 50, 64_000  # PROTOCOLS 3.5
SKEW_S = 300

TRACING_OFF = "The OTLP API is supported with CloudWatch Logs as a Trace Segment Destination. Please enable it."
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)
GROUP_NAME = re.compile(r"(?!aws/)[A-Za-z0-9_\-/.#]{1,512}")
STREAM_NAME = re.compile(r"[^:*]{1,512}")


class Refusal(Exception):
    def __init__(self, status: int, message: str, code: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.headers = status, message, code, headers or {}


@dataclass(eq=False)
class Fault:
    """What is answered instead. `kind`: see Fault.before; `times`: how often (None: until removed); `when`: for which requests."""

    kind: str
    times: int | None = 1
    when: Callable[[Received], bool] | None = None
    retry_after: int = 1
    rejected: int = 1  # of kind "partial": items at the front of the request
    hits: int = 0

    def meets(self, received: Received) -> bool:
        return (self.times is None or self.hits < self.times) and (self.when is None or self.when(received))

    def before(self, received: Received) -> None:
        if self.kind == "throttle":
            raise Refusal(429, "Rate exceeded", "ThrottlingException", {"Retry-After": str(self.retry_after)})
        if self.kind == "unavailable":
            raise Refusal(503, "Service is unavailable", "ServiceUnavailableException")
        if self.kind == "expired":
            raise Refusal(403, "The security token included in the request is expired", "ExpiredTokenException")
        if self.kind == "invalid":
            raise Refusal(403, "The security token included in the request is invalid.", "UnrecognizedClientException")
        if self.kind == "denied":
            words = f"User: arn:aws:sts::111122223333:assumed-role/app/x is not authorized to perform: {received.action} on resource: *"
            raise Refusal(403, words, "AccessDeniedException")
        if self.kind == "tracing_off":
            raise Refusal(400, TRACING_OFF)
        assert self.kind == "partial", self.kind


@dataclass(eq=False)
class Received:
    """One request as it came, and what became of it."""

    number: int
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    status: int = 0
    error: str = ""
    signature_good: bool = False
    rejected: int = 0

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def signal(self) -> str | None:
        """traces or logs; None: a call of the JSON APIs."""
        return PATHS.get(self.path)

    @property
    def operation(self) -> str:
        """"traces", "logs", "CreateLogGroup", "TraceSegments", ..."""
        return self.signal or self.header("x-amz-target").rpartition(".")[2] or self.path.strip("/")

    @property
    def service(self) -> str:
        return "logs" if self.signal == "logs" or self.header("x-amz-target").startswith("Logs_20140328.") else "xray"

    @property
    def action(self) -> str:
        names = {"traces": "PutSpans", "logs": "PutLogEvents", "TraceSegments": "PutTraceSegments"}
        return f"{self.service}:{names.get(self.operation, self.operation)}"

    @cached_property
    def plain(self) -> bytes:
        coding = self.header("content-encoding")
        if coding not in ("", "gzip"):
            raise Refusal(400, f"Content-Encoding {coding} is not supported")
        return gunzip(self.body) if coding else self.body


class AwsJudge:
    """`groups`: log groups and their streams that exist. `keys`: secret and session token by access key id. `clock`: its time."""

    def __init__(
        self,
        *,
        region: str = "us-east-1",
        keys: dict[str, tuple[str, str | None]] | None = None,
        groups: dict[str, set[str]] | None = None,
        clock: Callable[[], float] = time.time,
        tls: bool = False,
        port: int = 0,
    ) -> None:
        self.region, self.clock = region, clock
        self.keys = keys if keys is not None else {KEY_ID: (SECRET, None)}
        self.groups = {name: set(streams) for name, streams in (groups or {}).items()}
        self.rules: list[dict[str, Any]] = []
        self.requests: list[Received] = []
        self.faults: list[Fault] = []
        self.wrong: list[str] = []  # limits broken, signatures that are wrong, headers left unsigned: never the proxy's right
        self.seen: Counter[str] = Counter()  # how often each item was stored, by its id
        self.counts: Counter[str] = Counter()  # items stored, by "traces", "logs" and "segments"
        self.by_stream: Counter[tuple[str, str]] = Counter()
        self.documents: list[str] = []
        self._changed = threading.Condition()
        self._directory = tempfile.TemporaryDirectory(prefix="aws-judge-")
        authority = Authority(Path(self._directory.name)) if tls else None
        self.ca_file = authority.ca_file if authority else None
        self._server = _Server(self, port, authority.server_context() if authority else None)
        self.port = self._server.server_address[1]
        self.url = f"{'https://localhost' if tls else 'http://127.0.0.1'}:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> AwsJudge:
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._directory.cleanup()

    def count(self, signal: str) -> int:
        return self.counts[signal]

    @property
    def repeats(self) -> int:
        return sum(times - 1 for times in self.seen.values())

    def of(self, operation: str) -> list[Received]:
        return [each for each in list(self.requests) if each.operation == operation]

    def wait_for(self, condition: Callable[[AwsJudge], Any], seconds: float = 20) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), seconds):
                raise AssertionError(f"not within {seconds} s: {dict(self.counts)}, {len(self.requests)} requests, wrong: {self.wrong[:3]}")

    # One request

    def receive(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> tuple[int, dict[str, str], bytes]:
        with self._changed:
            received = Received(len(self.requests) + 1, method, path, headers, body)
            self.requests.append(received)
        try:
            self._authenticate(received)
            reply = self._decide(received)
            received.status = reply[0]
        except Refusal as refusal:
            received.status, received.error = refusal.status, refusal.message
            reply = refusal.status, *_error(received, refusal)
        reply[1].setdefault("Date", formatdate(self.clock(), usegmt=True))
        with self._changed:
            self._changed.notify_all()
        return reply

    def _never(self, received: Received, words: str) -> Refusal:
        """A refusal that means a bug of the sender's."""
        self.wrong.append(f"request {received.number} {received.operation}: {words}")
        return Refusal(400, words, "ValidationException")

    def _authenticate(self, received: Received) -> None:
        headers = {name.lower(): value for name, value in received.headers}
        found = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if not found:
            raise Refusal(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
        signed = found["headers"].split(";")
        due = {"host", "x-amz-date"} | {name for name in headers if name.startswith("x-amz-") or name == "content-type"}
        if missing := due - set(signed):
            raise self._never(received, f"not signed: {missing}")
        if len(received.headers) != len(headers):
            raise self._never(received, f"a header came twice: {received.headers}")
        if (found["region"], found["service"]) != (self.region, received.service):
            raise self._never(received, f"signed for {found['region']} {found['service']}")
        stamp = headers["x-amz-date"]
        self._check_time(stamp, found["day"])
        secret, token = self.keys.get(found["key"], ("", None))
        if not secret or headers.get("x-amz-security-token") != token:
            raise Refusal(403, "The security token included in the request is invalid.", "UnrecognizedClientException")
        url = f"{urlsplit(self.url).scheme}://{headers['host']}{received.path}"
        request = AWSRequest(received.method, url, {name: headers[name] for name in signed}, received.body)
        request.context["timestamp"] = stamp
        auth = SigV4Auth(Credentials(found["key"], secret, token), received.service, self.region)
        canonical = auth.canonical_request(request)
        if auth.signature(auth.string_to_sign(request, canonical), request) != found["signature"]:
            self.wrong.append(f"request {received.number}: signature differs from botocore's for {canonical!r}")
            raise Refusal(403, "The request signature we calculated does not match the signature you provided.", "InvalidSignatureException")
        received.signature_good = True

    def _check_time(self, stamp: str, day: str) -> None:
        when = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        now = self.clock()
        shown = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        if when < now - SKEW_S:
            raise Refusal(403, f"Signature expired: {stamp} is now earlier than {shown} - 5 min.", "InvalidSignatureException")
        if when > now + SKEW_S:
            raise Refusal(403, f"Signature not yet current: {stamp} is still later than {shown} + 5 min.", "InvalidSignatureException")
        if not stamp.startswith(day):
            raise Refusal(403, "Date in Credential scope does not match", "InvalidSignatureException")

    def _decide(self, received: Received) -> tuple[int, dict[str, str], bytes]:
        with self._changed:
            fault = next((each for each in self.faults if each.meets(received)), None)
            if fault:
                fault.hits += 1
        if fault:
            fault.before(received)
        if received.signal in ("traces", "logs"):
            return self._otlp(received, fault)
        calls = {
            "CreateLogGroup": self._create_group,
            "CreateLogStream": self._create_stream,
            "TraceSegments": self._segments,
            "GetSamplingRules": lambda _: {"SamplingRuleRecords": [{"SamplingRule": each} for each in self.rules]},
            "SamplingTargets": self._targets,
        }
        call = calls.get(received.operation)
        if call is None:
            raise Refusal(404, "Unable to determine service/operation name to be authorized", "UnknownOperationException")
        answer = call(json.loads(received.body or b"{}"))
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode() if answer is not None else b""

    def _otlp(self, received: Received, fault: Fault | None) -> tuple[int, dict[str, str], bytes]:
        signal = received.signal
        if received.header("content-type") != "application/x-protobuf":
            raise self._never(received, "the content type is not that of protobuf")
        try:
            message = REQUESTS[signal].FromString(received.plain)
        except DecodeError as error:
            raise self._never(received, f"not protobuf: {error}") from error
        where = self._stream(received) if signal == "logs" else None
        if broken := broken_limit(signal, received.plain, message, int(self.clock() * 1e9)):
            raise self._never(received, broken)
        ids = [item.id for item in items_of(signal, received.plain)]
        received.rejected = min(fault.rejected, len(ids)) if fault else 0
        with self._changed:
            self.seen.update(ids[received.rejected :])
            self.counts[signal] += len(ids) - received.rejected
            if where:
                self.by_stream[where] += len(ids) - received.rejected
        answer = RESPONSES[signal]()
        if received.rejected:
            setattr(answer.partial_success, REJECTED_FIELD[signal], received.rejected)
            answer.partial_success.error_message = json.dumps({"expiredLogEventCount": received.rejected})
        return 200, {"Content-Type": "application/x-protobuf"}, answer.SerializeToString()

    def _stream(self, received: Received) -> tuple[str, str]:
        group, stream = received.header("x-aws-log-group"), received.header("x-aws-log-stream")
        if not GROUP_NAME.fullmatch(group) or not STREAM_NAME.fullmatch(stream):
            raise self._never(received, f"bad names: {group!r} {stream!r}")
        if group not in self.groups:
            raise Refusal(400, "The specified log group does not exist.", "ResourceNotFoundException")
        if stream not in self.groups[group]:
            raise Refusal(400, "The specified log stream does not exist.", "ResourceNotFoundException")
        return group, stream

    def _create_group(self, body: dict[str, Any]) -> None:
        name = body["logGroupName"]
        if not GROUP_NAME.fullmatch(name):
            raise Refusal(400, f"Value '{name}' at 'logGroupName' failed to satisfy constraint", "InvalidParameterException")
        with self._changed:
            if name in self.groups:
                raise Refusal(400, "The specified log group already exists", "ResourceAlreadyExistsException")
            self.groups[name] = set()

    def _create_stream(self, body: dict[str, Any]) -> None:
        group, name = body["logGroupName"], body["logStreamName"]
        if not STREAM_NAME.fullmatch(name):
            raise Refusal(400, f"Value '{name}' at 'logStreamName' failed to satisfy constraint", "InvalidParameterException")
        with self._changed:
            if group not in self.groups:
                raise Refusal(400, "The specified log group does not exist.", "ResourceNotFoundException")
            if name in self.groups[group]:
                raise Refusal(400, "The specified log stream already exists", "ResourceAlreadyExistsException")
            self.groups[group].add(name)

    def _targets(self, body: dict[str, Any]) -> dict[str, Any]:
        """Half of what each rule that is reported matches, and three a second before that."""
        names = [each["RuleName"] for each in body["SamplingStatisticsDocuments"]]
        target = {"FixedRate": 0.5, "ReservoirQuota": 3, "ReservoirQuotaTTL": self.clock() + 60, "Interval": 10}
        documents = [{"RuleName": name, **target} for name in names]
        return {"SamplingTargetDocuments": documents, "UnprocessedStatistics": [], "LastRuleModification": 0}

    def _segments(self, body: dict[str, Any]) -> dict[str, Any]:
        documents = body["TraceSegmentDocuments"]
        if len(documents) > DOCUMENTS:
            self.wrong.append(f"{len(documents)} documents in one call")
        unprocessed = []
        for each in documents:
            try:
                known = len(each.encode()) <= DOCUMENT_BYTES and {"id", "trace_id", "name"} <= json.loads(each).keys()
                code = "" if known else "InvalidSegment"
            except (ValueError, AttributeError):
                code = "ParseError"
            if code:
                unprocessed.append({"Id": None, "ErrorCode": code, "Message": each[:50]})
            else:
                with self._changed:
                    self.documents.append(each)
                    self.seen[each] += 1
                    self.counts["segments"] += 1
        return {"UnprocessedTraceSegments": unprocessed}


def _error(received: Received, refusal: Refusal) -> tuple[dict[str, str], bytes]:
    """The OTLP endpoints answer with a Status in protobuf, the others with JSON."""
    if received.signal:
        status = status_pb2.Status(message=refusal.message)
        return {"Content-Type": "application/x-protobuf", **refusal.headers}, status.SerializeToString()
    body = json.dumps({"__type": refusal.code, "message": refusal.message}).encode()
    return {"Content-Type": "application/x-amz-json-1.1", **refusal.headers}, body


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: _Server

    def log_message(self, *_: Any) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.server.judge.clock(), usegmt=True)

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size)
        if len(body) != size:
            self.close_connection = True
            return
        status, headers, answer = self.server.judge.receive(self.command, self.path, list(self.headers.items()), body)
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.wfile.flush()

    do_GET = do_POST


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, judge: AwsJudge, port: int, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.judge = judge
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that ended is the client's business."""
