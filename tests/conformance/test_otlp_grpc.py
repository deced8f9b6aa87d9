"""OTLP/gRPC answers, row by row of PROTOCOLS 1.4 and 1.7, with the real Python client and, for what it can't send, frame by frame."""

from __future__ import annotations

import gzip
import zlib

import grpc
import otlp
import pytest
from google.rpc import error_details_pb2, status_pb2
from h2 import Call
from sender import METHODS

SIGNALS = pytest.mark.parametrize("signal", list(otlp.BUILDERS))
Code = grpc.StatusCode
HEALTH = "/grpc.health.v1.Health/"


def refusal(world, signal: str, body, **words) -> tuple[grpc.RpcError, status_pb2.Status]:
    """The error, and the google.rpc.Status in its trailer."""
    with pytest.raises(grpc.RpcError) as caught:
        world.grpc().post(signal, body, **words)
    trailers = dict(caught.value.trailing_metadata() or ())
    return caught.value, status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))


@SIGNALS
@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_success_is_ok_with_an_empty_message(world, signal, compression):
    """Nothing set; an empty request is the same."""
    forager = world.start()
    assert world.grpc().post(signal, otlp.BUILDERS[signal](300), compression=compression) == b""
    assert world.grpc().post(signal, b"", compression=compression) == b""
    forager.wait_for_book(signal=signal, held=0, delivered=300)


@SIGNALS
def test_bad_data_is_invalid_argument(world, signal):
    """With the same words in the trailer's Status, and no RetryInfo."""
    world.start()
    error, status = refusal(world, signal, b"\x0a\xff\xff")
    assert error.code() is Code.INVALID_ARGUMENT
    assert (status.code, status.message, len(status.details)) == (3, error.details(), 0)


@SIGNALS
def test_too_big_is_resource_exhausted_without_retry_info(world, signal):
    """As it came (gRPC's own answer), and inflated (the door's): an SDK must not send it again."""
    world.start(FORAGER_REQUEST_LIMIT="64KiB")
    for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
        error, status = refusal(world, signal, b"\0" * 100_000, compression=compression)
        assert error.code() is Code.RESOURCE_EXHAUSTED and not status.details


@SIGNALS
def test_overload_is_retryable_with_retry_info(world, signal):
    """UNAVAILABLE, or RESOURCE_EXHAUSTED, which is retryable with RetryInfo only."""
    world.judge.down()
    world.start(FORAGER_JOURNAL_BYTES="4MiB")
    sender, body = world.grpc(), otlp.BUILDERS[signal](5000).SerializeToString()
    with pytest.raises(grpc.RpcError) as caught:
        for _ in range(50):
            sender.post(signal, body, track=False)
    assert caught.value.code() in (Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED)
    status = status_pb2.Status.FromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
    info = error_details_pb2.RetryInfo()
    assert status.details[0].type_url == "type.googleapis.com/google.rpc.RetryInfo" and status.details[0].Unpack(info)
    assert info.retry_delay.seconds >= 1
    assert status.code == caught.value.code().value[0] and status.message == caught.value.details()


def test_unknown_methods_are_unimplemented(world):
    """Those of other services, and others of ours; counted by code."""
    forager = world.start()
    for method in ("/x.Y/Z", METHODS["traces"].replace("Export", "Import")):
        with pytest.raises(grpc.RpcError) as error:
            world.grpc().channel.unary_unary(method)(b"", timeout=10)
        assert error.value.code() is Code.UNIMPLEMENTED and method in error.value.details()
    assert forager.metrics()['forager_requests_received_total{protocol="otlp/grpc",code="UNIMPLEMENTED"}'] == 2


def test_deflate_is_unimplemented_and_gzip_is_named(world):
    """grpc-accept-encoding says what is taken."""
    world.start()
    error, _ = refusal(world, "traces", otlp.traces(100), compression=grpc.Compression.Deflate)
    assert error.code() is Code.UNIMPLEMENTED
    taken = {name: value for name, value in [*error.initial_metadata(), *error.trailing_metadata()]}
    assert taken.get("grpc-accept-encoding", "gzip").find("gzip") >= 0 and "deflate" not in taken.get("grpc-accept-encoding", "")


@pytest.mark.parametrize("content_type", ["text/plain", "application/json"])
def test_http2_that_is_no_grpc_does_not_confuse_it(world, content_type):
    """gRPC's core takes any content type (PROTOCOLS 1.7 would have 415) but not a body without its framing."""
    forager = world.start()
    call = Call(forager.grpc_port, METHODS["traces"], encoding="", content_type=content_type)
    call.send_raw(b'{"resourceSpans":[]}' * 10)
    call.close()
    assert forager.book().get("accepted", 0) == 0
    assert world.grpc().post("traces", otlp.traces(1)) == b""
    forager.wait_for_book(held=0, delivered=1)


def test_a_gzip_message_is_read_even_if_its_headers_do_not_say_so(world):
    """Its first bytes can be no OTLP, so nothing else could be meant; deflate is refused however it comes."""
    forager = world.start()
    for encoding in ("gzip", "identity", ""):
        body = otlp.traces(2).SerializeToString()
        call = Call(forager.grpc_port, METHODS["traces"], encoding=encoding)
        answer = call.send(gzip.compress(body), compressed=True)
        call.close()
        assert any(b"grpc-status\x010" in block for block in answer.headers), answer
        world.acknowledged.add("traces", body)
    for encoding in ("deflate", "identity", ""):
        call = Call(forager.grpc_port, METHODS["traces"], encoding=encoding)
        answer = call.send(zlib.compress(otlp.traces(2).SerializeToString()), compressed=True)
        call.close()
        assert not any(b"grpc-status\x010" in block for block in answer.headers), answer
    forager.wait_for_book(held=0, delivered=6)
    assert not world.missing()


def test_health_is_answered_as_the_protocol_asks(world):
    """Check for the server and each service, NOT_FOUND for others; a watcher hears of the drain before the end."""
    forager = world.start(FORAGER_STOP_QUIET="300ms")
    channel = world.grpc().channel
    check = channel.unary_unary(f"{HEALTH}Check")
    for service in ("", *(method.split("/")[1] for method in METHODS.values())):
        request = b"" if not service else b"\x0a" + bytes([len(service)]) + service.encode()
        assert check(request, timeout=10) == b"\x08\x01", service
    with pytest.raises(grpc.RpcError) as error:
        check(b"\x0a\x01x", timeout=10)
    assert error.value.code() is Code.NOT_FOUND
    watch = channel.unary_stream(f"{HEALTH}Watch")(b"", timeout=20)
    assert next(watch) == b"\x08\x01"
    unknown = channel.unary_stream(f"{HEALTH}Watch")(b"\x0a\x01x", timeout=20)
    assert next(unknown) == b"\x08\x03"
    assert forager.terminate() == 0
    assert next(watch) == b"\x08\x02"
    for each in (watch, unknown):
        with pytest.raises(grpc.RpcError) as error:
            next(each)
        assert error.value.code() is Code.UNAVAILABLE
