"""What Honeycomb does with a request before it looks at the telemetry: content types, encodings, sizes (PROTOCOLS 2.2, 2.5)."""

from __future__ import annotations

import re
import zlib

import zstandard
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.rpc import status_pb2

from judge.items import REQUESTS

READ_LIMIT = 20 * 1024 * 1024  # of the compressed body, by truncation (PROTOCOLS 2.2)
PROTOBUF_TYPES = ("application/protobuf", "application/x-protobuf")
CONTENT_TYPES = (*PROTOBUF_TYPES, "application/json")
BAD_CONTENT_TYPE = (
    "unsupported content-type, valid types are: application/protobuf, application/x-protobuf, application/json"
)

_CLASSIC_KEY = re.compile(r"[0-9a-f]{32}|hc[a-z]ic_[0-9a-z]{58}")
_ANY_KEY = re.compile(r"[a-f0-9]{32}|[a-zA-Z0-9]{20,23}|hc[a-z][a-z]{2}_[a-z0-9]{58}")


class Refusal(Exception):
    """An answer that isn't 200: status and the message of its google.rpc.Status."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def is_classic(key: str) -> bool:
    return _CLASSIC_KEY.fullmatch(key) is not None


def is_key_shaped(key: str) -> bool:
    return _ANY_KEY.fullmatch(key) is not None


def gunzip(data: bytes) -> bytes:
    """All members, as Go's reader does. Anything after them that isn't a member is an error."""
    out = []
    while data:
        one = zlib.decompressobj(wbits=31)
        out.append(one.decompress(data))
        if not one.eof:
            raise ValueError("unexpected EOF")
        data = one.unused_data
    return b"".join(out)


def unzstd(data: bytes) -> bytes:
    """All frames, with or without their size in the header."""
    reader = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
    out = reader.read()
    # The reader takes a truncated frame for the end: each frame must say that it is whole.
    while data:
        one = zstandard.ZstdDecompressor().decompressobj()
        one.decompress(data)
        if not one.eof:
            raise ValueError("unexpected EOF")
        data = one.unused_data
    return out


def uncompress(signal: str, encoding: str, body: bytes) -> bytes:
    body = body[:READ_LIMIT]
    try:
        if encoding == "gzip":
            return gunzip(body)
        if encoding == "zstd":
            return unzstd(body)
    except (ValueError, zlib.error, zstandard.ZstdError) as error:
        raise Refusal(400, f"failed to parse OTLP request body: {error}") from error
    if encoding and signal == "traces":
        raise Refusal(400, f"failed to parse OTLP request body: unsupported compression type: {encoding}")
    return body  # the general path takes an unknown encoding for plain bytes


def parse(signal: str, content_type: str, body: bytes) -> Message:
    """JSON is read as Go's protojson does: unknown fields are errors, ids are base64."""
    try:
        if content_type in PROTOBUF_TYPES:
            return REQUESTS[signal].FromString(body)
        return json_format.Parse(body, REQUESTS[signal]())
    except (DecodeError, json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"failed to parse OTLP request body: {error}") from error


def error_body(content_type: str, status: int, message: str) -> tuple[str, bytes]:
    """Content type and body of an error, in the encoding of the request; 415 is plain text."""
    if status == 415:
        return "text/plain", message.encode()
    answer = status_pb2.Status(message=message)
    if content_type in PROTOBUF_TYPES:
        return content_type, answer.SerializeToString()
    return "application/json", json_format.MessageToJson(answer, indent=None).encode()


def to_json(message: Message) -> bytes:
    return json_format.MessageToJson(message, indent=None).encode()
