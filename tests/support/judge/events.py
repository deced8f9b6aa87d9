"""The events that Honeycomb stores for a request: its own translation's rules, from PROTOCOLS 2.3 and 2.7."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.metrics.v1 import metrics_pb2

from judge.decode import Refusal, is_classic

MAX_RATE = 2**31 - 1
MAX_TEXT = 65_535
FLATTEN_DEPTH = 5
KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}


@dataclass
class Event:
    """One row in a dataset. `kind`: span, span_event, link, log or data_point; `time_ns`: unix time it is stored at."""

    kind: str
    dataset: str
    time_ns: int
    key: str
    sample_rate: int = 1
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def trace_id(self) -> str:
        return self.data.get("trace.trace_id", "")

    @property
    def span_id(self) -> str:
        return self.data.get("trace.span_id", "")

    @property
    def name(self) -> str:
        return self.data.get("name", "")

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "dataset": self.dataset,
            "time_ns": str(self.time_ns),
            "samplerate": self.sample_rate,
            "data": self.data,
        }


def trace_id_text(value: bytes) -> str:
    """16 bytes with eight leading zeros are shortened; anything that isn't 8 or 16 bytes is shown as base64."""
    if len(value) == 16 and not any(value[:8]):
        value = value[8:]
    return value.hex() if len(value) in (8, 16) else base64.b64encode(value).decode()


def span_id_text(value: bytes) -> str:
    return value.hex() if len(value) == 8 else base64.b64encode(value).decode()


def plain(value: Message) -> Any:
    """An AnyValue as JSON would have it."""
    kind = value.WhichOneof("value")
    if kind is None or kind == "string_value_strindex":
        return None
    if kind == "array_value":
        return [plain(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {each.key: plain(each.value) for each in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)


def add_attribute(into: dict[str, Any], key: str, value: Message, depth: int = 0) -> None:
    kind = value.WhichOneof("value")
    if kind == "kvlist_value" and depth < FLATTEN_DEPTH:
        for each in value.kvlist_value.values:
            add_attribute(into, f"{key}.{each.key}", each.value, depth + 1)
    elif kind in ("kvlist_value", "array_value", "bytes_value"):
        into[key] = json.dumps(plain(value), separators=(",", ":"))[:MAX_TEXT]
    elif kind is not None:
        into[key] = plain(value)


def merged(*lists) -> dict[str, Any]:
    """Attributes of resource, scope and item; a later one overwrites."""
    out: dict[str, Any] = {}
    for each in lists:
        for attribute in each:
            add_attribute(out, attribute.key, attribute.value)
    return out


def take_sample_rate(data: dict[str, Any], trace_state: str = "") -> int:
    """Removes what says it; 1 if nothing does (PROTOCOLS 2.7)."""
    for name in ("sampleRate", "SampleRate"):
        if name in data:
            try:
                rate = float(data.pop(name))
            except (TypeError, ValueError):
                return 1
            return max(1, min(MAX_RATE, math.floor(rate + 0.5))) if math.isfinite(rate) else 1
    for member in trace_state.split(","):
        key, _, value = member.strip().partition("=")
        entries = value.split(";") if key == "ot" else [f"th:{value}"] if key == "th" else []
        for entry in entries:
            name, _, threshold = entry.partition(":")
            if name == "th" and 0 < len(threshold) <= 14:
                try:
                    kept = 1 - int(threshold.ljust(14, "0"), 16) / 2**56
                except ValueError:
                    continue
                return min(MAX_RATE, math.floor(1 / kept + 0.5)) if kept > 0 else MAX_RATE
    return 1


def dataset_of(signal: str, key: str, header: str, resource: Message) -> str:
    """PROTOCOLS 2.3, for both families of keys."""
    service = ""
    for attribute in resource.attributes:
        if attribute.key == "service.name":
            service = attribute.value.string_value.strip()
    named = service if service and not service.startswith("unknown_service") else ""
    if signal == "metrics":
        return header or "unknown_metrics"
    if signal == "logs":
        return named or header or "unknown_log_source"
    return header if is_classic(key) else named or "unknown_service"


def require_dataset(signal: str, key: str, header: str) -> None:
    if is_classic(key) and not header and signal in ("traces", "metrics"):
        raise Refusal(401, "missing 'x-honeycomb-dataset' header")


def events_of(signal: str, request: Message, key: str, dataset_header: str = "") -> Iterator[Event]:
    """Everything that is stored for this request, in its order; span events and links before their span."""
    groups = {"traces": "resource_spans", "metrics": "resource_metrics", "logs": "resource_logs"}[signal]
    scopes = {"traces": "scope_spans", "metrics": "scope_metrics", "logs": "scope_logs"}[signal]
    for group in getattr(request, groups):
        dataset = dataset_of(signal, key, dataset_header, group.resource)
        for scope_group in getattr(group, scopes):
            scope = scope_group.scope
            base = merged(group.resource.attributes, scope.attributes)
            if scope.name:
                base["library.name"] = scope.name
            if scope.version:
                base["library.version"] = scope.version
            if signal == "traces":
                for span in scope_group.spans:
                    yield from _span(span, base, dataset, key)
            elif signal == "logs":
                for record in scope_group.log_records:
                    yield _log(record, base, dataset, key)
            else:
                for metric in scope_group.metrics:
                    yield from _points(metric, base, dataset, key)


def _span(span: Message, base: dict[str, Any], dataset: str, key: str) -> Iterator[Event]:
    data = dict(base)
    data.update(merged(span.attributes))
    rate = take_sample_rate(data, span.trace_state)
    kind = KINDS.get(span.kind, "unspecified")
    ids = {"trace.trace_id": trace_id_text(span.trace_id)}
    data |= ids | {
        "trace.span_id": span_id_text(span.span_id),
        "name": span.name,
        "type": kind,
        "span.kind": kind,
        "status_code": span.status.code,
        "span.num_links": len(span.links),
        "span.num_events": len(span.events),
        "meta.signal_type": "trace",
        "duration_ms": max(0, span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
    }
    if span.end_time_unix_nano < span.start_time_unix_nano:
        data["meta.invalid_duration"] = True
    if span.parent_span_id:
        data["trace.parent_id"] = span_id_text(span.parent_span_id)
    if span.trace_state:
        data["trace.trace_state"] = span.trace_state
    if span.status.code == 2:
        data["error"] = True
    if span.status.message:
        data["status_message"] = span.status.message
    own = ids | {"trace.parent_id": span_id_text(span.span_id), "meta.signal_type": "trace"}
    exception_seen = False
    for each in span.events:
        attributes = merged(each.attributes)
        if each.name == "exception" and not exception_seen:
            exception_seen = True
            for name in ("type", "message", "stacktrace", "escaped"):
                full = f"exception.{name}"
                if full in attributes:
                    data.setdefault(full, attributes[full])
        event = base | attributes | own
        event |= {"name": each.name, "parent_name": span.name, "meta.annotation_type": "span_event"}
        take_sample_rate(event)
        yield Event("span_event", dataset, each.time_unix_nano, key, rate, event)
    for each in span.links:
        link = base | merged(each.attributes) | own
        link |= {
            "trace.link.trace_id": trace_id_text(each.trace_id),
            "trace.link.span_id": span_id_text(each.span_id),
            "parent_name": span.name,
            "meta.annotation_type": "link",
        }
        take_sample_rate(link)
        yield Event("link", dataset, span.start_time_unix_nano, key, rate, link)
    yield Event("span", dataset, span.start_time_unix_nano, key, rate, data)


def severity_text(number: int) -> str:
    names = ("trace", "debug", "info", "warn", "error", "fatal")
    return names[(number - 1) // 4] if 1 <= number <= 24 else "unspecified"


def _log(record: Message, base: dict[str, Any], dataset: str, key: str) -> Event:
    data = dict(base)
    data.update(merged(record.attributes))
    rate = take_sample_rate(data)
    data |= {
        "severity": severity_text(record.severity_number),
        "severity_code": record.severity_number,
        "meta.signal_type": "log",
        "flags": record.flags,
    }
    if record.severity_text:
        data["severity_text"] = record.severity_text
    if record.event_name:
        data["event.name"] = record.event_name
    add_attribute(data, "body", record.body)
    if record.body.WhichOneof("value") == "kvlist_value":
        data["body"] = json.dumps(plain(record.body), separators=(",", ":"))[:MAX_TEXT]
    if record.trace_id:
        data["trace.trace_id"] = trace_id_text(record.trace_id)
        data["meta.annotation_type"] = "span_event"
        if record.span_id:
            data["trace.parent_id"] = span_id_text(record.span_id)
    # No fallback to the observed time: a record without a time is stored at 1970 (PROTOCOLS 2.7, FACTS 13).
    return Event("log", dataset, record.time_unix_nano, key, rate, data)


def _points(metric: Message, base: dict[str, Any], dataset: str, key: str) -> Iterator[Event]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    for point in getattr(metric, kind).data_points:
        data = dict(base)
        data.update(merged(point.attributes))
        data |= {"metric.name": metric.name, "metric.kind": kind, "metric.unit": metric.unit}
        if isinstance(point, metrics_pb2.NumberDataPoint):
            which = point.WhichOneof("value")
            data["value"] = getattr(point, which) if which else None
        else:
            data |= {"count": point.count, "sum": point.sum}
        yield Event("data_point", dataset, point.time_unix_nano, key, 1, data)
