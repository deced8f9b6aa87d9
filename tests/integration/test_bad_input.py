"""Input that is broken, hostile or merely odd: each with its exact answer, and none of it noticed by the app next door."""

from __future__ import annotations

import os
import socket
import struct

import grpc
import otlp
import pytest
from bomb import gzip_bomb
from forager import EXIT_USAGE, run, wait_until
from google.rpc import error_details_pb2, status_pb2
from h2 import PREFACE, Call
from judge import wire
from judge.server import OUR_KEY
from load import Load
from sender import METHODS, Sender, raw_exchange

MiB = 1024 * 1024


@pytest.fixture
def served(world):
    """A Forager with a neighbour that sends all the time; at the end each of the neighbour's requests was answered 200."""
    forager = world.start(FORAGER_MEMORY_LIMIT="64MiB", FORAGER_BODY_TIMEOUT="1s", FORAGER_HEADER_TIMEOUT="1s")
    with Load(world, forager, apps=1, spans=5, interval=0.005) as neighbour:
        neighbour.wait_for_answers(3)
        yield forager
        neighbour.wait_for_answers(3)
    assert forager.running, forager.output
    assert set(neighbour.statuses) == {200} and neighbour.slowest < 3, (neighbour.statuses, neighbour.errors[:3])
    forager.wait_settled()
    assert not world.missing()


def attribute_body(value: bytes) -> bytes:
    """A trace request with a span whose one attribute has this AnyValue."""
    attribute = wire.field(1, b"k") + wire.field(2, value)
    span = wire.field(1, b"\1" * 16) + wire.field(2, b"\2" * 8) + wire.field(9, attribute)
    return wire.field(1, wire.field(2, wire.field(2, span)))


def nested_arrays(depth: int) -> bytes:
    value = b""
    for _ in range(depth):
        value = wire.field(5, wire.field(1, value))
    return attribute_body(value)


GOOD = otlp.traces(1).SerializeToString()
BROKEN = {
    "a truncated varint": b"\x0a\xff",
    "a varint of eleven bytes": b"\x08" + b"\xff" * 10 + b"\x01",
    "a wire type that doesn't exist": b"\x0e\x01",
    "a known field of a wrong wire type": wire.field(1, wire.field(2, b"\x10\x01")),
    "field number 0": b"\x02\x00",
    "a group that doesn't end": b"\x13",
    "a length past the end": wire.tag(1, wire.BYTES) + wire.varint(1000) + b"short",
    "a length past the end, inside": attribute_body(wire.tag(1, wire.BYTES) + b"\x7fx"),
    "a huge length": wire.tag(1, wire.BYTES) + wire.varint(2**63),
    "a truncated request": GOOD[:-3],
    "10,000 arrays in one another": nested_arrays(10_000),
    "a text instead of protobuf": b"<html>hello</html>",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_broken_structure_is_refused_with_words_on_both_ports(world, served, body):
    """400 and INVALID_ARGUMENT with a google.rpc.Status that says what and where; nothing of it goes on."""
    reply = world.sender().post("traces", body)
    assert (reply.status, reply.headers["content-type"]) == (400, "application/x-protobuf")
    assert len(reply.message) > 10
    with pytest.raises(grpc.RpcError) as error:
        world.grpc().post("traces", body)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT and error.value.details() == reply.message
    refused = next(each for each in served.ledger()["door"] if each["signal"] == "traces")["refused"]
    assert [(each["reason"], each["requests"]) for each in refused] == [("malformed", 2)]


@pytest.mark.parametrize(
    "text",
    [b"{", b"[]", b'{"resourceSpans":{}}', b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}',
     b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"\xff\xfe{}"],
    ids=["cut", "list", "no list", "no hex", "deep", "no UTF-8"],
)  # fmt: skip
def test_broken_json_is_refused_in_json(world, served, text):
    """The answer has the encoding of the request (PROTOCOLS 1.4)."""
    reply = world.sender().post("traces", text, kind="application/json")
    assert (reply.status, reply.headers["content-type"]) == (400, "application/json")
    assert len(reply.message) > 10


def test_invalid_utf8_is_mended_and_the_rest_of_the_request_arrives(world, served):
    """One bad attribute must not cost 511 spans: each bad byte becomes a question mark, and is counted."""
    bad = otlp.traces(3, name="Z" * 4).SerializeToString().replace(b"Z" * 4, b"caf\xe9", 1)
    assert world.sender().post("traces", bad, track=False).status == 200
    world.judge.wait_for(lambda j: any(event.name == "caf?" for event in j.events("span")))
    assert sum(event.name == "ZZZZ" for event in world.judge.events("span")) == 2
    door = next(each for each in served.ledger()["door"] if each["signal"] == "traces")
    assert door["repaired_strings"] == 1


def test_ids_of_a_wrong_length_are_the_destinations_to_judge(world, served):
    """Structure is ours, meaning isn't: forwarded as they are (PROTOCOLS 1.6 calls such a span invalid)."""
    message = otlp.traces(3)
    spans = message.resource_spans[0].scope_spans[0].spans
    spans[0].trace_id, spans[1].span_id, spans[2].trace_id = b"\1" * 5, b"", b"\2" * 40
    assert world.sender().post("traces", message).status == 200
    served.wait_settled()
    assert not world.missing()


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v1/traces", {}, 405),
        ("PUT", "/v1/logs", {"Content-Type": "application/json"}, 405),
        ("POST", "/", {"Content-Type": "application/x-protobuf"}, 404),
        ("POST", "/v1/traces/v1/traces", {"Content-Type": "application/x-protobuf"}, 404),
        ("POST", "/v1/traces", {}, 415),
        ("POST", "/v1/traces", {"Content-Type": "text/plain"}, 415),
        ("POST", "/v1/traces", {"Content-Type": "application/x-protobuf", "Content-Encoding": "br"}, 415),
        ("POST", "/v1/traces", {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}, 400),
        ("POST", "/v1/traces", {"Content-Type": "application/x-protobuf", "Expect": "miracles"}, 417),
    ],
)
def test_requests_that_are_no_otlp_are_told_what_is_wrong(world, served, method, path, headers, status):
    """The connection survives, and the message says what would be right."""
    sender = world.sender()
    reply = sender.raw(method, path, GOOD, headers)
    assert reply.status == status and len(reply.message) > 10
    assert sender.post("traces", otlp.traces(1)).status == 200


def test_media_types_may_have_parameters_and_any_case(world, served):
    """What the SDKs in the field send; what goes out is exact (PROTOCOLS 2.2, and the judge insists)."""
    sender = world.sender()
    for kind in ("application/x-protobuf; charset=utf-8", "Application/X-Protobuf"):
        assert sender.post("traces", otlp.traces(1), kind=kind).status == 200


def test_a_gzip_bomb_over_http_is_413_and_costs_no_memory(world, served):
    """A gibibyte in a megabyte: refused while inflating, within the budget."""
    before = served.peak_rss
    bomb = gzip_bomb()
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
    for _ in range(3):
        reply = world.sender().raw("POST", "/v1/traces", bomb, headers)
        assert reply.status == 413 and "retry-after" not in reply.headers
    if not served.sanitized:
        assert served.peak_rss - before < (64 + 16) * MiB


def test_a_gzip_bomb_over_grpc_is_refused_for_good_and_costs_no_memory(world, served):
    """RESOURCE_EXHAUSTED (its retryable form, with RetryInfo, is told apart in the next test), within the budget."""
    before = served.peak_rss
    call = Call(served.grpc_port, METHODS["traces"])
    answer = call.send(gzip_bomb(), compressed=True)
    call.close()
    trailers = b"".join(answer.headers)
    assert b"grpc-status" in trailers, answer
    assert trailers.split(b"grpc-status", 1)[1][1:2] == b"8", answer
    if not served.sanitized:
        assert served.peak_rss - before < (64 + 16) * MiB


def retry_info(error: grpc.RpcError) -> list[error_details_pb2.RetryInfo]:
    """From the details of the status, in its trailer."""
    out = []
    for each in error.trailing_metadata() or ():
        if each.key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(each.value).details:
                info = error_details_pb2.RetryInfo()
                if detail.Unpack(info):
                    out.append(info)
    return out


def test_a_request_over_the_limit_is_413_before_it_is_read(world, served):
    """The limit is min(64 MiB, budget / 4) = 16 MiB here; announced, chunked, and over gRPC."""
    head = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
    answer = raw_exchange(served.http_port, head + b"Content-Length: 99999999999\r\n\r\n" + b"x" * 1000)
    assert answer.startswith(b"HTTP/1.1 413")
    chunk = b"100000\r\n" + bytes(MiB) + b"\r\n"
    answer = raw_exchange(served.http_port, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 17)
    assert answer.startswith(b"HTTP/1.1 413")
    for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
        with pytest.raises(grpc.RpcError) as error:
            world.grpc().post("traces", wire.field(99, bytes(17 * MiB)), compression=compression)
        assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert not retry_info(error.value), "an SDK would send it again and again (PROTOCOLS 1.4)"


def test_busy_over_grpc_says_when_to_come_again(world):
    """Scenario: the destination is down and the journal is full.
    Guarantees: an error with RetryInfo, without which RESOURCE_EXHAUSTED is final for an SDK; then it is taken again."""
    world.judge.down()
    world.start(FORAGER_MEMORY_LIMIT="16MiB", FORAGER_JOURNAL="memory")
    calls = world.grpc()
    message = otlp.traces(100, padding="x" * 8000)
    with pytest.raises(grpc.RpcError) as error:
        for _ in range(100):
            calls.post("traces", message)
    assert error.value.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)
    assert retry_info(error.value)[0].retry_delay.ToTimedelta().total_seconds() >= 1
    world.judge.up()

    def taken() -> bool:
        try:
            return calls.post("traces", otlp.traces(1)) == b""
        except grpc.RpcError:
            return False

    wait_until(taken, 10, "room for a request")


HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
SYNTAX = {
    "a length that is no number": (HEAD + b"Content-Length: abc\r\n\r\n", 400),
    "a negative length": (HEAD + b"Content-Length: -5\r\n\r\n", 400),
    "two lengths": (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
    "a length and chunks": (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks that are none": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", 400),
    "no length": (HEAD + b"Connection: close\r\n\r\n", 411),
    "a line end in a key": (HEAD + b"x-honeycomb-team: a\r\n b\0c\r\nContent-Length: 0\r\n\r\n", 400),
    "no HTTP": (b"\0\1\2\3 hello\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), 400),
    "HTTP/2": (PREFACE + b"\0\0\0\4\0\0\0\0\0", 400),
    "10,000 headers": (HEAD + b"".join(b"x-%d: y\r\n" % n for n in range(10_000)) + b"\r\n", 431),
    "one endless header": (HEAD + b"x: " + b"y" * MiB, 431),
}


@pytest.mark.parametrize(("data", "status"), SYNTAX.values(), ids=SYNTAX.keys())
def test_http_that_is_none_is_answered_and_closed(served, data, status):
    """Each gets a status line and the end of its connection, not a hang."""
    answer = raw_exchange(served.http_port, data)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert b"\r\nConnection: close\r\n" in answer or b"\r\nconnection: close\r\n" in answer.lower()


def exchange_and_half_close(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 15) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_body_that_ends_too_early_is_400(served):
    """The header promised 100 bytes, 50 came, and the client waits for its answer."""
    answer = exchange_and_half_close(served.http_port, HEAD + b"Content-Length: 100\r\n\r\n" + bytes(50))
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_slow_body_and_a_slow_header_are_408(served):
    """FORAGER_BODY_TIMEOUT and FORAGER_HEADER_TIMEOUT (1 s here) end what trickles in."""
    answer = raw_exchange(served.http_port, HEAD + b"Content-Length: 100\r\n\r\n" + bytes(50))
    assert answer.startswith(b"HTTP/1.1 408 ")
    answer = raw_exchange(served.http_port, HEAD)
    assert answer.startswith(b"HTTP/1.1 408 ")


def refused_uploads(forager) -> int:
    door = next(each for each in forager.ledger()["door"] if each["signal"] == "traces")
    return sum(each["requests"] for each in door["refused"] if each["reason"] == "aborted_upload")


def test_an_aborted_upload_is_booked_and_forgotten(served):
    """The app died in the middle of its request: a refused request in the books, and no memory held for it."""
    for _ in range(20):
        connection = socket.create_connection(("127.0.0.1", served.http_port), 15)
        connection.sendall(HEAD + b"Content-Length: 10000000\r\n\r\n" + bytes(100_000))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    wait_until(lambda: refused_uploads(served) == 20, 10, "20 aborted uploads in the books")
    wait_until(lambda: served.status()["memory"]["bytes"] < 8 * MiB, 10, "their memory back")


def test_a_thousand_idle_connections_keep_nobody_out(world, served):
    """They cost little memory, an app among them is served, and they end after the time for a header."""
    before = served.rss
    idle = [socket.create_connection(("127.0.0.1", served.http_port), 15) for _ in range(1000)]
    try:
        sender = Sender(served.http_port, world.acknowledged)
        assert sender.post("traces", otlp.traces(5)).status == 200
        sender.close()
        if not served.sanitized:
            assert served.rss - before < 48 * MiB
        for connection in idle:
            assert connection.recv(1000)[:12] in (b"", b"HTTP/1.1 408")
    finally:
        for connection in idle:
            connection.close()


def test_connections_over_the_cap_are_told_so(world):
    """503 with Retry-After, which SDKs retry; when others go, there is room again."""
    forager = world.start(FORAGER_CONNECTIONS="5")
    open_ones = [world.sender() for _ in range(5)]
    for sender in open_ones:
        assert sender.post("traces", otlp.traces(1)).status == 200
    reply = Sender(forager.http_port).post("traces", otlp.traces(1))
    assert reply.status == 503 and reply.retry_after >= 1
    open_ones[0].close()

    def admitted() -> bool:
        one = Sender(forager.http_port, world.acknowledged)
        try:
            return one.post("traces", otlp.traces(1)).status == 200
        finally:
            one.close()

    wait_until(admitted, 5, "room for another connection")


def test_garbage_on_the_grpc_port_harms_nobody(world, served):
    """Random bytes, HTTP/1.1, and a preface followed by nonsense; gRPC goes on beside and after it."""
    garbage = [os.urandom(4096), HEAD + b"Content-Length: 0\r\n\r\n", PREFACE + os.urandom(2000), b"\0" * 100]
    calls = world.grpc()
    for data in garbage:
        assert calls.post("traces", otlp.traces(1)) == b""
        exchange_with_reset(served.grpc_port, data)
    assert calls.post("traces", otlp.traces(1)) == b""


def exchange_with_reset(port: int, data: bytes) -> None:
    """Whatever comes back; the end of it is all that is asked for."""
    with socket.create_connection(("127.0.0.1", port), 15) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError as error:
            assert not isinstance(error, TimeoutError), "it neither answered nor closed"


def test_methods_that_grpc_doesnt_know_are_unimplemented(world, served):
    """And a message that says it is compressed but isn't is the sender's fault."""
    channel = world.grpc().channel
    with pytest.raises(grpc.RpcError) as error:
        channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Import")(b"", timeout=10)
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
    call = Call(served.grpc_port, METHODS["traces"])
    answer = call.send(b"this is no gzip", compressed=True)
    call.close()
    trailers = b"".join(answer.headers)
    assert b"grpc-status" in trailers and trailers.split(b"grpc-status", 1)[1][1:2] in (b"3", b"1"), answer


@pytest.mark.parametrize("key", ["a\r\nX-Other: b", "a\nb", "two words", '"quoted0quoted0quoted"'])
@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_key_that_no_header_can_carry_is_a_configuration_error(tmp_path, place, key):
    """Exit 64 with the fix, and without the key."""
    if place == "file":
        (tmp_path / "key").write_text(key)
        done = run("run", HONEYCOMB_API_KEY_FILE=str(tmp_path / "key"))
    else:
        done = run("run", HONEYCOMB_API_KEY=key)
    assert done.returncode == EXIT_USAGE, done
    said = done.stdout + done.stderr
    assert ("HONEYCOMB_API_KEY" in said or "honeycomb-api-key" in said) if place == "environment" else "key" in said
    for part in ("X-Other", "two words", "quoted0quoted0"):
        assert part not in said


def test_a_line_end_after_a_key_in_a_file_is_no_part_of_it(world, tmp_path):
    """Editors and `echo` put one there."""
    (tmp_path / "key").write_text(OUR_KEY + "\r\n")
    forager = world.start(HONEYCOMB_API_KEY="", HONEYCOMB_API_KEY_FILE=str(tmp_path / "key"))
    assert world.sender().post("traces", otlp.traces(1)).status == 200
    forager.wait_for_book(held=0, delivered=1)
