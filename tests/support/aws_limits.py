"""The limits of AWS's OTLP endpoints (PROTOCOLS 3.1, 3.6), from the decoded request: what makes the whole call fail."""

from __future__ import annotations

import json

from google.protobuf.message import Message
from judge.events import plain

# PROTOCOLS 3.1; KB and MB in their smaller meaning, as far as they aren't given in bytes.
DAY_NS = 86_400 * 10**9
PAST_NS, AHEAD_NS, SPREAD_NS = 14 * DAY_NS, 2 * 3_600 * 10**9, DAY_NS
ENVELOPE_BYTES, SPAN_BYTES, EVENT_BYTES = 16_000, 200_000, 1_000_000
TRACES_BYTES, LOGS_BYTES, ITEMS = 5_000_000, 1_048_576, 10_000


def event_of(resource: Message, scope: Message, record: Message) -> str:
    """The message of the LogEvent that a log record becomes, as far as it is known: JSON with all that was sent."""
    attributes = lambda of: {each.key: plain(each.value) for each in of.attributes}  # noqa: E731
    event = {
        "resource": {"attributes": attributes(resource.resource), "schemaUrl": resource.schema_url},
        "scope": {"name": scope.scope.name, "version": scope.scope.version, "attributes": attributes(scope.scope), "schemaUrl": scope.schema_url},
        "timeUnixNano": record.time_unix_nano,
        "observedTimeUnixNano": record.observed_time_unix_nano,
        "severityNumber": record.severity_number,
        "severityText": record.severity_text,
        "body": plain(record.body),
        "attributes": attributes(record),
        "droppedAttributesCount": record.dropped_attributes_count,
        "flags": record.flags,
        "traceId": record.trace_id.hex(),
        "spanId": record.span_id.hex(),
        "eventName": record.event_name,
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def broken_limit(signal: str, body: bytes, request: Message, now_ns: int) -> str:
    """The first rule of PROTOCOLS 3.1 that this request breaks, in words; empty: none."""
    times: list[int] = []
    items = events = 0
    for resource in request.resource_spans if signal == "traces" else request.resource_logs:
        if (size := resource.resource.ByteSize()) > ENVELOPE_BYTES:
            return f"a resource of {size} bytes"
        for scope in resource.scope_spans if signal == "traces" else resource.scope_logs:
            if (size := scope.scope.ByteSize()) > ENVELOPE_BYTES:
                return f"a scope of {size} bytes"
            for item in scope.spans if signal == "traces" else scope.log_records:
                items += 1
                if signal == "traces":
                    if (size := item.ByteSize()) > SPAN_BYTES:
                        return f"a span of {size} bytes"
                    times += [item.start_time_unix_nano, item.end_time_unix_nano]
                else:
                    size = len(event_of(resource, scope, item).encode())
                    if size > EVENT_BYTES:
                        return f"an event of {size} bytes"
                    events += size + 26
                    times.append(item.time_unix_nano or item.observed_time_unix_nano)
    if items > ITEMS:
        return f"{items} items"
    limit = TRACES_BYTES if signal == "traces" else LOGS_BYTES
    if len(body) > limit or events > LOGS_BYTES:
        return f"{len(body)} bytes uncompressed, events of {events}"
    if times and min(times) < now_ns - PAST_NS:
        return f"a time of {min(times)}, too old"
    if times and max(times) > now_ns + AHEAD_NS:
        return f"a time of {max(times)}, too new"
    if times and max(times) - min(times) > SPREAD_NS:
        return "times over 24 hours apart"
    return ""
