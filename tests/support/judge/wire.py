"""Just enough protobuf wire format to take a message apart without changing a byte of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, START_GROUP, END_GROUP, FIXED32 = 0, 1, 2, 3, 4, 5


class Field(NamedTuple):
    number: int
    kind: int
    raw: bytes  # tag, length and value, as they came
    value: bytes  # of BYTES: the payload; of the others: the raw value


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("varint longer than ten bytes")


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def tag(number: int, kind: int) -> bytes:
    return varint(number << 3 | kind)


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    return tag(number, BYTES) + varint(len(payload)) + payload


def _end_of(data: bytes, number: int, kind: int, at: int) -> int:
    if kind == VARINT:
        return read_varint(data, at)[1]
    if kind == FIXED64:
        return at + 8
    if kind == FIXED32:
        return at + 4
    if kind == START_GROUP:
        while True:
            inner, at = read_varint(data, at)
            if inner == number << 3 | END_GROUP:
                return at
            at = _end_of(data, inner >> 3, inner & 7, at)
    if kind == BYTES:
        size, at = read_varint(data, at)
        return at + size
    raise ValueError(f"wire type {kind}")


def fields(data: bytes) -> Iterator[Field]:
    """The top-level fields of a message. ValueError or IndexError: not a message."""
    at, end = 0, len(data)
    while at < end:
        start = at
        key, at = read_varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise ValueError("field number 0")
        if kind == BYTES:
            size, at = read_varint(data, at)
            stop = at + size
        else:
            stop = _end_of(data, number, kind, at)
        if stop > end:
            raise ValueError(f"field {number} ends {stop - end} bytes after its message")
        yield Field(number, kind, data[start:stop], data[at:stop])
        at = stop


def split(data: bytes, child: int) -> tuple[bytes, list[bytes]]:
    """A message without its repeated message field `child`, and those children."""
    rest, children = [], []
    for each in fields(data):
        if each.number == child and each.kind == BYTES:
            children.append(each.value)
        else:
            rest.append(each.raw)
    return b"".join(rest), children
