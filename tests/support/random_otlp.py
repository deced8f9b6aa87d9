"""Random valid OTLP, written as wire format field by field: any order, duplicate and unknown fields, packed or not.

The official package's descriptors say what a field is; nothing here knows a field of OTLP by name but those whose value matters:
a log record's time (Forager mends a missing one) and a metric's data (two kinds in one metric would contradict each other).
"""

from __future__ import annotations

import random
import struct

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from judge import wire
from judge.items import REQUESTS

F = FieldDescriptor
VARINTS = {
    F.TYPE_INT32,
    F.TYPE_INT64,
    F.TYPE_UINT32,
    F.TYPE_UINT64,
    F.TYPE_BOOL,
    F.TYPE_ENUM,
    F.TYPE_SINT32,
    F.TYPE_SINT64,
}
FIXED8 = {F.TYPE_FIXED64, F.TYPE_SFIXED64, F.TYPE_DOUBLE}
FIXED4 = {F.TYPE_FIXED32, F.TYPE_SFIXED32, F.TYPE_FLOAT}
ID_SIZES = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
LETTERS = 'abcdefghijklmnopqrstuvwxyz ./_-0123456789"\\\n\t\0\u00e9\u00a7\u00df\u0436\u0446\u6f22\u5b57\U0001f600\u2028'


def is_repeated(field: FieldDescriptor) -> bool:
    repeated = getattr(field, "is_repeated", None)
    return repeated if repeated is not None else field.label == F.LABEL_REPEATED


class Generator:
    """`strict`: only what every encoding can say (no unknown or duplicate fields, no fields that are for profiles)."""

    def __init__(self, seed: int, *, strict: bool = False) -> None:
        self.rng = random.Random(seed)
        self.strict = strict

    def request(self, signal: str) -> bytes:
        """Sizes from nothing to some hundred items; children of a message are many or few, never large one by one."""
        self._plenty = self.rng.choice([1, 2, 4, 9])
        return self._message(REQUESTS[signal].DESCRIPTOR, 0)

    def _chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _text(self) -> bytes:
        size = self.rng.choice([0, 1, 5, 12, 30, 80])
        return "".join(self.rng.choices(LETTERS, k=size)).encode()

    def _bytes(self, name: str) -> bytes:
        size = ID_SIZES.get(name)
        if size is not None and (self.strict or self._chance(0.9)):
            return self.rng.randbytes(size)
        return self.rng.randbytes(self.rng.choice([0, 1, 3, 7, 20]))

    def _number(self, field: FieldDescriptor) -> bytes:
        """The raw value of a varint or a fixed field, extremes often."""
        kind, rng = field.type, self.rng
        if kind == F.TYPE_BOOL:
            return wire.varint(rng.randrange(2))
        if kind == F.TYPE_ENUM:
            return wire.varint(rng.choice([0, 1, 2, 3, 99]))
        if kind in (F.TYPE_INT32, F.TYPE_SINT32, F.TYPE_UINT32):
            value = rng.choice([0, 1, 127, 128, 2**31 - 1, rng.randrange(2**31)])
            if kind == F.TYPE_INT32 and self._chance(0.3):
                value = 2**64 - 1 - value  # a negative number takes ten bytes
            return wire.varint(value)
        if kind in (F.TYPE_INT64, F.TYPE_UINT64, F.TYPE_SINT64):
            return wire.varint(rng.choice([0, 1, 2**53 + 1, 2**63, 2**64 - 1, rng.randrange(2**64)]))
        if kind == F.TYPE_DOUBLE:
            special = [0.0, 1.5, -1e300, 5e-324, float("inf"), float("-inf"), float("nan"), rng.uniform(-1e6, 1e6)]
            return struct.pack("<d", rng.choice(special))
        if kind in FIXED8:
            return struct.pack("<Q", rng.choice([0, 1, 2**53 + 1, 2**64 - 1, rng.randrange(2**64)]))
        return struct.pack("<I", rng.choice([0, 1, 0x301, 2**32 - 1]))

    def _kind(self, field: FieldDescriptor) -> int:
        return wire.VARINT if field.type in VARINTS else wire.FIXED64 if field.type in FIXED8 else wire.FIXED32

    def _field(self, field: FieldDescriptor, depth: int) -> bytes:
        """The field once, or a repeated one some times."""
        if not is_repeated(field):
            return self._one(field, depth)
        many = field.message_type is not None and depth <= 4
        size = self.rng.randint(0, self._plenty if many else 3)
        if field.message_type is None and field.type not in (F.TYPE_STRING, F.TYPE_BYTES) and self._chance(0.7):
            return wire.field(field.number, b"".join(self._number(field) for _ in range(size)))
        return b"".join(self._one(field, depth) for _ in range(size))

    def _one(self, field: FieldDescriptor, depth: int) -> bytes:
        if field.message_type is not None:
            return wire.field(field.number, self._message(field.message_type, depth + 1))
        if field.type == F.TYPE_STRING:
            return wire.field(field.number, self._text())
        if field.type == F.TYPE_BYTES:
            return wire.field(field.number, self._bytes(field.name))
        return wire.tag(field.number, self._kind(field)) + self._number(field)

    def _unknown(self) -> bytes:
        number, rng = self.rng.choice([18, 77, 1000, 536_870_911]), self.rng
        return rng.choice([
            wire.tag(number, wire.VARINT) + wire.varint(rng.randrange(2**64)),
            wire.tag(number, wire.FIXED64) + rng.randbytes(8),
            wire.tag(number, wire.FIXED32) + rng.randbytes(4),
            wire.field(number, rng.randbytes(rng.randrange(40))),
        ])  # fmt: skip

    def _chosen(self, kind: Descriptor, depth: int) -> list[FieldDescriptor]:
        """Which fields are there: of a oneof at most one."""
        oneofs = {each.name: self.rng.choice(each.fields) for each in kind.oneofs if len(each.fields) > 1}
        out = []
        for field in kind.fields:
            if self.strict and field.name.endswith("strindex"):
                continue
            oneof = field.containing_oneof
            if oneof is not None and oneof.name in oneofs and oneofs[oneof.name] is not field:
                continue
            nests = field.message_type is not None and field.message_type.name in ("ArrayValue", "KeyValueList")
            if nests and depth > 9:
                continue
            structural = field.message_type is not None and depth < 5
            if self._chance(0.9 if structural else 0.6):
                out.append(field)
        return out

    def _message(self, kind: Descriptor, depth: int) -> bytes:
        chosen = self._chosen(kind, depth)
        parts = [self._field(field, depth) for field in chosen]
        if not self.strict:
            parts += [self._unknown() for _ in range(3) if self._chance(0.1)]
            is_data = kind.name == "Metric"
            again = [each for each in chosen if not is_repeated(each) and each.containing_oneof is None and not is_data]
            if again and self._chance(0.15):
                parts.append(self._field(self.rng.choice(again), depth))
        self.rng.shuffle(parts)
        if kind.name == "LogRecord":
            # The last one decides; it is never 0, or Forager would have to mend it.
            parts.append(wire.tag(1, wire.FIXED64) + struct.pack("<Q", self.rng.randrange(1, 2**63)))
        return b"".join(parts)
