"""Requests for tests: small builders, and OTLP's own JSON (PROTOCOLS 1.5) of any message."""

from __future__ import annotations

import base64
import itertools
import json
import math
import os
import random
import time
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

HEX_FIELDS = {"trace_id", "span_id", "parent_span_id"}
WIDE = {
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT64,
}
_numbers = itertools.count(1)


def attribute(key: str, value: str | int | float | bool) -> KeyValue:
    if isinstance(value, bool):
        return KeyValue(key=key, value=AnyValue(bool_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    if isinstance(value, float):
        return KeyValue(key=key, value=AnyValue(double_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=value))


def traces(spans: int = 1, *, service: str = "demo", name: str = "", **attributes) -> ExportTraceServiceRequest:
    """`spans` spans of one trace, each with ids of its own."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.append(attribute("service.name", service))
    scope = group.scope_spans.add()
    scope.scope.name = "tests"
    trace_id, now = os.urandom(16), time.time_ns()
    for index in range(spans):
        scope.spans.add(
            trace_id=trace_id,
            span_id=os.urandom(8),
            name=name or f"span {index}",
            kind=2,
            start_time_unix_nano=now - 1_000_000,
            end_time_unix_nano=now,
            attributes=[attribute(key, value) for key, value in attributes.items()],
        )
    return request


def logs(records: int = 1, *, service: str = "demo", body: str = "hello") -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.append(attribute("service.name", service))
    scope = group.scope_logs.add()
    scope.scope.name = "tests"
    for _ in range(records):
        now = time.time_ns()
        scope.log_records.add(
            time_unix_nano=now,
            observed_time_unix_nano=now,
            severity_number=9,
            body=AnyValue(string_value=body),
            attributes=[attribute("number", next(_numbers))],
        )
    return request


def metrics(points: int = 1, *, service: str = "demo") -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.append(attribute("service.name", service))
    metric = group.scope_metrics.add().metrics.add(name="jobs", unit="1")
    metric.sum.aggregation_temporality = 2
    metric.sum.is_monotonic = True
    for _ in range(points):
        metric.sum.data_points.add(
            time_unix_nano=time.time_ns(),
            as_int=next(_numbers),
            attributes=[attribute("number", next(_numbers))],
        )
    return request


BUILDERS = {"traces": traces, "metrics": metrics, "logs": logs}


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def to_json(message: Message, rng: random.Random | None = None) -> bytes:
    """OTLP/JSON. With `rng`, every freedom that the mapping leaves is used: case of ids, numbers or strings, padding, nulls."""
    return json.dumps(_object(message, rng)).encode()


def _object(message: Message, rng: random.Random | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for field, value in message.ListFields():
        repeated = getattr(field, "is_repeated", None)
        if repeated if repeated is not None else field.label == FieldDescriptor.LABEL_REPEATED:
            out[camel(field.name)] = [_value(field, each, rng) for each in value]
        else:
            out[camel(field.name)] = _value(field, value, rng)
    if rng is not None:
        if rng.random() < 0.1:
            out["fieldOfTheFuture"] = {"nested": [1, "two", None, {"three": 3.5}]}
        if rng.random() < 0.05:
            unset = [each for each in message.DESCRIPTOR.fields if camel(each.name) not in out]
            # A null is the default. In a oneof it would be ambiguous, so those are left out.
            unset = [each for each in unset if each.containing_oneof is None]
            if unset:
                out[camel(rng.choice(unset).name)] = None
        pairs = list(out.items())
        rng.shuffle(pairs)
        out = dict(pairs)
    return out


def _value(field: FieldDescriptor, value: Any, rng: random.Random | None) -> Any:
    if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        return _object(value, rng)
    if field.type == FieldDescriptor.TYPE_BYTES:
        if field.name in HEX_FIELDS:
            return value.hex().upper() if rng and rng.random() < 0.3 else value.hex()
        text = base64.b64encode(value).decode()
        return text.rstrip("=") if rng and rng.random() < 0.3 else text
    if field.cpp_type in WIDE:
        return value if rng and rng.random() < 0.3 else str(value)
    if field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
    return value
