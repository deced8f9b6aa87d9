"""OTLP/HTTP answers, row by row of PROTOCOLS 1.4, for every signal in both encodings. What is broken in a body is in test_bad_input."""

from __future__ import annotations

import json

import otlp
import pytest
from google.rpc import status_pb2
from judge.items import RESPONSES
from sender import JSON, PROTOBUF

SIGNALS = pytest.mark.parametrize("signal", list(otlp.BUILDERS))
KINDS = pytest.mark.parametrize("kind", [PROTOBUF, JSON], ids=["protobuf", "json"])
EMPTY = {PROTOBUF: b"", JSON: b"{}"}


def assert_status(reply, kind: str) -> None:
    """The body is a google.rpc.Status in the request's encoding, with words."""
    assert reply.headers["content-type"] == kind
    if kind == JSON:
        body = json.loads(reply.body)
        assert set(body) <= {"code", "message", "details"} and body["message"]
    else:
        assert status_pb2.Status.FromString(reply.body).message


@SIGNALS
@KINDS
@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_full_success_leaves_partial_success_unset(world, signal, kind, encoding):
    """200, the request's content type, and the smallest body there is."""
    forager = world.start()
    reply = world.sender().post(signal, otlp.BUILDERS[signal](3), kind=kind, encoding=encoding)
    assert (reply.status, reply.headers["content-type"], reply.body) == (200, kind, EMPTY[kind])
    assert not RESPONSES[signal].FromString(reply.body if kind == PROTOBUF else b"").HasField("partial_success")
    forager.wait_for_book(signal=signal, held=0, delivered=3)


@SIGNALS
@KINDS
def test_an_empty_request_is_the_same_as_success(world, signal, kind):
    """Also without a single item inside its envelopes."""
    forager = world.start()
    envelopes = otlp.BUILDERS[signal](0)
    for body in (EMPTY[kind], otlp.to_json(envelopes) if kind == JSON else envelopes.SerializeToString()):
        reply = world.sender().post(signal, body, kind=kind, track=False)
        assert (reply.status, reply.headers["content-type"], reply.body) == (200, kind, EMPTY[kind])
    assert forager.book(signal).get("accepted", 0) == 0 and world.judge.requests == []


@SIGNALS
@KINDS
def test_bad_data_is_400_for_ever(world, signal, kind):
    """No Retry-After: it must not come again."""
    world.start()
    reply = world.sender().post(signal, b"\x0a\xff\xff" if kind == PROTOBUF else b'{"a": ', kind=kind, track=False)
    assert reply.status == 400 and "retry-after" not in reply.headers
    assert_status(reply, kind)


@SIGNALS
@KINDS
def test_too_big_is_413_for_ever(world, signal, kind):
    """As it came, and decompressed."""
    world.start(FORAGER_REQUEST_LIMIT="64KiB")
    for encoding in ("", "gzip"):
        reply = world.sender().post(signal, b"\0" * 100_000, kind=kind, encoding=encoding, track=False)
        assert reply.status == 413 and "retry-after" not in reply.headers
        assert_status(reply, kind)


@SIGNALS
@KINDS
def test_overload_is_429_or_503_with_retry_after_in_whole_seconds(world, signal, kind):
    """The four statuses that an SDK sends again are the only ones for this."""
    world.judge.down()
    world.start(FORAGER_JOURNAL_BYTES="4MiB")
    sender, message = world.sender(), otlp.BUILDERS[signal](5000)
    body = otlp.to_json(message) if kind == JSON else message.SerializeToString()
    for _ in range(50):
        reply = sender.post(signal, body, kind=kind, track=False)
        if reply.status != 200:
            break
    assert reply.status in (429, 503) and reply.retry_after >= 1
    assert_status(reply, kind)


@pytest.mark.parametrize("kind", [PROTOBUF, JSON, "text/plain", ""], ids=["protobuf", "json", "other", "none"])
@pytest.mark.parametrize("method, path, status", [("GET", "/v1/traces", 405), ("PUT", "/v1/logs", 405), ("POST", "/v1/trace", 404),
                                                  ("POST", "/", 404), ("POST", "/v1/profiles", 404)])  # fmt: skip
def test_what_is_no_export_is_told_so_in_an_encoding_it_knows(world, method, path, status, kind):
    """In the request's own where it is one of the two, else in JSON, which a person reads."""
    world.start()
    reply = world.sender().raw(method, path, b"", {"Content-Type": kind} if kind else {})
    assert reply.status == status
    assert_status(reply, kind if kind in (PROTOBUF, JSON) else JSON)
    if status == 405:
        assert "POST" in reply.headers["allow"]
