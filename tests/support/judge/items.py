"""The items (spans, log records, data points) of a request, each with its envelope, byte for byte as they came."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from judge import wire

SIGNALS = ("traces", "metrics", "logs")
PATHS = {"/v1/traces": "traces", "/v1/metrics": "metrics", "/v1/logs": "logs"}
REQUESTS = {
    "traces": trace_service_pb2.ExportTraceServiceRequest,
    "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
    "logs": logs_service_pb2.ExportLogsServiceRequest,
}
RESPONSES = {
    "traces": trace_service_pb2.ExportTraceServiceResponse,
    "metrics": metrics_service_pb2.ExportMetricsServiceResponse,
    "logs": logs_service_pb2.ExportLogsServiceResponse,
}
REJECTED_FIELD = {
    "traces": "rejected_spans",
    "metrics": "rejected_data_points",
    "logs": "rejected_log_records",
}
# Metric's oneof (PROTOCOLS 1.6): field number, message of the data, message of its points.
METRIC_DATA = {
    5: (metrics_pb2.Gauge, metrics_pb2.NumberDataPoint),
    7: (metrics_pb2.Sum, metrics_pb2.NumberDataPoint),
    9: (metrics_pb2.Histogram, metrics_pb2.HistogramDataPoint),
    10: (metrics_pb2.ExponentialHistogram, metrics_pb2.ExponentialHistogramDataPoint),
    11: (metrics_pb2.Summary, metrics_pb2.SummaryDataPoint),
}


@dataclass(frozen=True)
class Item:
    """One item. `envelope`: for each enclosing message its other fields; `types` decode them, the item's own is the last."""

    signal: str
    envelope: tuple[bytes, ...]
    raw: bytes
    types: tuple[type[Message], ...]

    @cached_property
    def id(self) -> str:
        """Equal bytes in an equal envelope: the same item."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (self.signal.encode(), *self.envelope, self.raw):
            digest.update(len(part).to_bytes(4, "big"))
            digest.update(part)
        return digest.hexdigest()

    @cached_property
    def message(self) -> Message:
        return self.types[-1].FromString(self.raw)

    @cached_property
    def canonical(self) -> tuple[bytes, ...]:
        """What it says, however it was encoded: each part parsed and written in one order. Unknown fields are kept."""
        parts = (*self.envelope, self.raw)
        return tuple(
            kind.FromString(part).SerializeToString(deterministic=True)
            for kind, part in zip(self.types, parts, strict=True)
        )


def items_of(signal: str, body: bytes) -> Iterator[Item]:
    """Every item of an uncompressed protobuf request body, in order."""
    resource_type = {
        "traces": trace_pb2.ResourceSpans,
        "metrics": metrics_pb2.ResourceMetrics,
        "logs": logs_pb2.ResourceLogs,
    }[signal]
    scope_type = {
        "traces": trace_pb2.ScopeSpans,
        "metrics": metrics_pb2.ScopeMetrics,
        "logs": logs_pb2.ScopeLogs,
    }[signal]
    for resource in wire.split(body, 1)[1]:
        resource_rest, scopes = wire.split(resource, 2)
        for scope in scopes:
            scope_rest, children = wire.split(scope, 2)
            outer, types = (resource_rest, scope_rest), (resource_type, scope_type)
            if signal == "metrics":
                for metric in children:
                    yield from _points(outer, types, metric)
                continue
            leaf = trace_pb2.Span if signal == "traces" else logs_pb2.LogRecord
            for child in children:
                yield Item(signal, outer, child, (*types, leaf))


def _points(outer, types, metric: bytes) -> Iterator[Item]:
    rest, data = [], []
    for each in wire.fields(metric):
        if each.number in METRIC_DATA and each.kind == wire.BYTES:
            data.append(each)
        else:
            rest.append(each.raw)
    for each in data:
        data_type, point_type = METRIC_DATA[each.number]
        data_rest, points = wire.split(each.value, 1)
        # Which kind of metric it is belongs to the envelope too: an empty field of that number says it.
        metric_rest = b"".join(rest) + wire.field(each.number, b"")
        for point in points:
            yield Item(
                "metrics",
                (*outer, metric_rest, data_rest),
                point,
                (*types, metrics_pb2.Metric, data_type, point_type),
            )


def rebuild(items: list[Item]) -> bytes:
    """A request body of these items, each in its own copy of its envelope."""
    out = []
    for item in items:
        body = item.raw
        if item.signal == "metrics":
            *outer, metric_rest, data_rest = item.envelope
            number = _data_number(metric_rest)
            data = data_rest + wire.field(1, body)
            body = metric_rest[: -len(wire.field(number, b""))] + wire.field(number, data)
        else:
            outer = list(item.envelope)
        resource_rest, scope_rest = outer
        scope = wire.field(2, scope_rest + wire.field(2, body))
        out.append(wire.field(1, resource_rest + scope))
    return b"".join(out)


def _data_number(metric_rest: bytes) -> int:
    return [each.number for each in wire.fields(metric_rest) if each.number in METRIC_DATA][-1]
