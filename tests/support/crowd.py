"""Apps that don't know of crashes: many plain connections and a real OpenTelemetry SDK, whose every span is told by what they were
answered."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from http.client import HTTPException
from typing import TYPE_CHECKING

import otlp
from judge.items import items_of
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from load import Apps
from sender import Acknowledged, Sender

if TYPE_CHECKING:
    from forager import Forager

for loud in ("opentelemetry.exporter", "opentelemetry.sdk", "urllib3"):  # it says at length that the port is gone
    logging.getLogger(loud).setLevel(logging.CRITICAL)


class Told:
    """Of every span ever sent: was it answered 200? Any thread."""

    def __init__(self, acknowledged: Acknowledged) -> None:
        self._lock = threading.Lock()
        self.sent: set[str] = set()
        self.acknowledged = acknowledged

    def sending(self, body: bytes) -> None:
        fresh = {item.id for item in items_of("traces", body)}
        with self._lock:
            self.sent |= fresh

    def answered(self, body: bytes) -> None:
        self.acknowledged.add("traces", body)


class TellingExporter(OTLPSpanExporter):
    """The SDK's own, which also writes down what it was answered."""

    def __init__(self, endpoint: str, told: Told) -> None:
        super().__init__(endpoint=f"{endpoint}/v1/traces", timeout=10)
        self._told = told
        self.answered = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        body = encode_spans(spans).SerializePartialToString()
        self._told.sending(body)
        result = super().export(spans)
        if result is SpanExportResult.SUCCESS:
            self._told.answered(body)
            self.answered += 1
        return result


class Crowd(Apps):
    """`apps` connections that send without a pause but `interval`, and one SDK, as long as the block runs."""

    def __init__(self, told: Told, forager: Forager, *, apps: int = 6, spans: int = 5, interval: float = 0.01) -> None:
        self._told, self._port = told, forager.http_port
        self._spans, self._interval = spans, interval
        super().__init__(*[self._app] * apps, self._sdk)
        self._changed = threading.Condition()
        self.statuses: dict[int, int] = {}  # 0: no answer
        self.slowest = 0.0  # seconds, of those answered 200
        self.exporter = TellingExporter(forager.endpoint, told)
        self._provider = TracerProvider(resource=Resource.create({"service.name": "sdk"}), shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(self.exporter, schedule_delay_millis=30, max_export_batch_size=32)
        )

    def _app(self) -> None:
        sender = Sender(self._port, timeout=20)
        while not self._stop.wait(self._interval):
            body = otlp.traces(self._spans).SerializeToString()
            self._told.sending(body)
            start = time.monotonic()
            try:
                status = sender.post("traces", body).status
            except (OSError, HTTPException):
                status = 0
            took = time.monotonic() - start
            if status == 200:
                self._told.answered(body)
            with self._changed:
                self.statuses[status] = self.statuses.get(status, 0) + 1
                if status == 200:
                    self.slowest = max(self.slowest, took)
                self._changed.notify_all()
        sender.close()

    def _sdk(self) -> None:
        tracer = self._provider.get_tracer("crowd")
        while not self._stop.wait(0.002):
            with tracer.start_as_current_span("work"):
                pass
        self.exporter.shutdown()  # first: what is queued would be tried again and again
        self._provider.shutdown()

    def wait_for_answers(self, count: int, status: int = 200, timeout: float = 30) -> None:
        """Until `count` requests have been answered so."""
        with self._changed:
            reached = self._changed.wait_for(lambda: self.statuses.get(status, 0) >= count, timeout)
            assert reached, f"no {count} answers {status} within {timeout} s: {self.statuses}"
