"""An app that raises, for the tests of Rollbar: the real SDK in this process, requests by hand, and Rollbar's own book of them."""

from __future__ import annotations

import logging
import time

import otlp
from forager import NOT_DELIVERED, wait_until
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from sender import Sender

RESOURCE = Resource.create(
    {
        "service.name": "shop",
        "service.version": "1.4.2",
        "deployment.environment.name": "staging",
        "host.name": "ip-10-0-0-5",
    }
)


class App:
    """An app with the SDK, in this process: each span and log record is exported when it ends."""

    def __init__(self, forager) -> None:
        self.traces = TracerProvider(resource=RESOURCE)
        self.traces.add_span_processor(
            SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"{forager.endpoint}/v1/traces", timeout=10))
        )
        self.tracer = self.traces.get_tracer("shop.orders")
        self.logs = LoggerProvider(resource=RESOURCE)
        self.logs.add_log_record_processor(
            SimpleLogRecordProcessor(OTLPLogExporter(endpoint=f"{forager.endpoint}/v1/logs", timeout=10))
        )
        self.logger = logging.Logger("shop")
        self.logger.addHandler(LoggingHandler(logger_provider=self.logs))

    def close(self) -> None:
        self.traces.shutdown()
        self.logs.shutdown()


def post(forager, signal: str, message) -> None:
    sender = Sender(forager.http_port)
    try:
        assert sender.post(signal, message, track=False).status == 200
    finally:
        sender.close()


def failing(message: str, *, spans: int = 1, kind: str = "E", size: int = 0, at: int = 0):
    """Spans with one exception event each."""
    request = otlp.traces(spans)
    for span in request.resource_spans[0].scope_spans[0].spans:
        event = span.events.add(name="exception", time_unix_nano=at or time.time_ns())
        event.attributes.append(otlp.attribute("exception.type", kind))
        event.attributes.append(otlp.attribute("exception.message", message))
        if size:
            event.attributes.append(otlp.attribute("ballast", "x" * size))
    return request


def wait_for_rollbar(forager, signal: str = "traces", timeout: float = 15, **wanted: int) -> dict:
    """Until the states of Rollbar's items of that signal have those numbers; the books add up then."""

    def right() -> dict | None:
        book = forager.book(signal, "rollbar")
        return book if all(book.get(name) == value for name, value in wanted.items()) else None

    try:
        book = wait_until(right, timeout, f"Rollbar's book with {wanted}")
    except AssertionError as error:
        raise AssertionError(f"{error}; it is {forager.book(signal, 'rollbar')}") from error
    assert book["accepted"] == sum(book[name] for name in ("delivered", *NOT_DELIVERED))
    return book


def reasons(book: dict) -> dict[str, int]:
    return {each["reason"]: each["items"] for each in book["reasons"]}


# What is raised, in ways that apps raise


def plain() -> None:
    {}["missing"]


def with_cause() -> None:
    try:
        int("x")
    except ValueError as error:
        raise RuntimeError("could not read the order") from error


def while_handling() -> None:
    try:
        [][3]
    except IndexError:
        with_cause()


def deep(depth: int = 40) -> None:
    if depth:
        return deep(depth - 1) if depth % 2 else other(depth)
    raise OSError(5, "disk is \N{SNOWMAN}")


def other(depth: int) -> None:
    deep(depth - 1)


def without_words() -> None:
    raise StopIteration


def many_lines() -> None:
    raise ValueError('first line\n  File "not-a-frame.py", line 1, in nowhere\nlast: line')


def hidden_context() -> None:
    try:
        plain()
    except KeyError:
        raise LookupError("said instead") from None


class Local(Exception):
    pass


def of_a_class() -> None:
    raise Local("mine")


RAISERS = [plain, with_cause, while_handling, deep, without_words, many_lines, hidden_context, of_a_class]
