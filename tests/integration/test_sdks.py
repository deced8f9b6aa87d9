"""The real Python SDK's exporters, of every signal, protocol and compression that they have, and JSON from curl."""

from __future__ import annotations

import json
import logging
import os
import subprocess

import grpc
import otlp
import pytest
from google.protobuf import json_format
from judge.items import REQUESTS, RESPONSES
from opentelemetry.exporter.otlp.proto.grpc import _log_exporter as grpc_logs
from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as grpc_metrics
from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc_traces
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http import _log_exporter as http_logs
from opentelemetry.exporter.otlp.proto.http import metric_exporter as http_metrics
from opentelemetry.exporter.otlp.proto.http import trace_exporter as http_traces
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

COUNT = 700  # more than one batch of the SDK
RESOURCE = Resource.create({"service.name": "sdk"})
HTTP = [("http", each) for each in (Compression.NoCompression, Compression.Gzip, Compression.Deflate)]
GRPC = [("grpc", each) for each in (grpc.Compression.NoCompression, grpc.Compression.Gzip)]
WAYS = pytest.mark.parametrize(
    ("protocol", "compression"), HTTP + GRPC, ids=lambda each: getattr(each, "name", str(each))
)


def exporter(forager, protocol: str, signal: str, compression):
    http = {
        "traces": http_traces.OTLPSpanExporter,
        "metrics": http_metrics.OTLPMetricExporter,
        "logs": http_logs.OTLPLogExporter,
    }
    grpc_ = {
        "traces": grpc_traces.OTLPSpanExporter,
        "metrics": grpc_metrics.OTLPMetricExporter,
        "logs": grpc_logs.OTLPLogExporter,
    }
    if protocol == "http":
        return http[signal](endpoint=f"{forager.endpoint}/v1/{signal}", compression=compression)
    return grpc_[signal](endpoint=f"http://127.0.0.1:{forager.grpc_port}", insecure=True, compression=compression)


@WAYS
def test_spans_of_the_sdk_arrive(world, protocol, compression):
    """Each of 700 spans once, in the trace it belongs to."""
    forager = world.start()
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(BatchSpanProcessor(exporter(forager, protocol, "traces", compression)))
    tracer, made = provider.get_tracer("t"), set()
    for number in range(COUNT):
        with tracer.start_as_current_span(f"span {number}", attributes={"n": number}) as span:
            context = span.get_span_context()
            made.add((f"{context.trace_id:032x}", f"{context.span_id:016x}", number))
    provider.shutdown()
    forager.wait_for_book(held=0, delivered=COUNT)
    events = world.judge.events("span")
    assert len(events) == COUNT and {(e.trace_id, e.span_id, e.data["n"]) for e in events} == made


@WAYS
def test_data_points_of_the_sdk_arrive(world, protocol, compression):
    """Counters, gauges and histograms of both shapes of value."""
    forager = world.start()
    reader = PeriodicExportingMetricReader(
        exporter(forager, protocol, "metrics", compression), export_interval_millis=3_600_000
    )
    provider = MeterProvider([reader], resource=RESOURCE)
    meter = provider.get_meter("t")
    counter, histogram = meter.create_counter("jobs"), meter.create_histogram("seconds")
    for number in range(100):
        counter.add(number, {"queue": f"q{number}"})
        histogram.record(number / 10, {"queue": f"q{number}"})
    meter.create_up_down_counter("open").add(-2.5)
    provider.shutdown()
    forager.wait_for_book(signal="metrics", held=0, delivered=201)
    events = world.judge.events("data_point")
    assert {e.data["queue"]: e.data["value"] for e in events if e.data["metric.name"] == "jobs"} == {
        f"q{number}": number for number in range(100)
    }
    assert sum(e.data["count"] for e in events if e.data["metric.name"] == "seconds") == 100
    assert [e.data["value"] for e in events if e.data["metric.name"] == "open"] == [-2.5]


@WAYS
def test_log_records_of_the_sdk_arrive_with_their_time(world, protocol, compression):
    """Python's logging through the SDK; none of them is stored at 1970."""
    forager = world.start()
    provider = LoggerProvider(resource=RESOURCE)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter(forager, protocol, "logs", compression)))
    logger = logging.Logger("shop")
    logger.addHandler(LoggingHandler(logger_provider=provider))
    for number in range(COUNT):
        logger.warning("number %d", number)
    provider.shutdown()
    forager.wait_for_book(signal="logs", held=0, delivered=COUNT)
    events = world.judge.events("log")
    assert sorted(e.data["body"] for e in events) == sorted(f"number {number}" for number in range(COUNT))
    assert {e.data["severity"] for e in events} == {"warn"} and all(e.time_ns > 1e18 for e in events)


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_json_from_curl_is_answered_in_json_and_arrives_as_protobuf(world, signal):
    """Honeycomb reads JSON by rules of its own, so it never sees any (PROTOCOLS 2.2)."""
    forager = world.start()
    message = otlp.BUILDERS[signal](3)
    done = subprocess.run(
        ["curl", "-sS", "-i", "-H", "Content-Type: application/json; charset=utf-8", "--data-binary", "@-",
         f"{forager.endpoint}/v1/{signal}"],
        input=otlp.to_json(message), capture_output=True, check=True, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    head, _, body = done.stdout.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200") and "content-type: application/json" in head.lower().splitlines()
    assert json.loads(body) == {}
    forager.wait_for_book(signal=signal, held=0, delivered=3)
    [request] = world.judge.requests
    assert request.header("content-type") == "application/x-protobuf"
    assert request.message == message


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_an_empty_request_is_a_full_success(world, signal):
    """Nothing is sent on for it (PROTOCOLS 1.4)."""
    world.start()
    sender = world.sender()
    reply = sender.post(signal, REQUESTS[signal]())
    assert (reply.status, reply.body, reply.headers["content-type"]) == (200, b"", "application/x-protobuf")
    reply = sender.post(signal, b"{}", kind="application/json", track=False)
    assert reply.status == 200 and json_format.Parse(reply.body, RESPONSES[signal]()) == RESPONSES[signal]()
    assert world.grpc().post(signal, b"") == b""
    assert not world.judge.requests


def test_both_protocols_and_all_signals_share_one_forager(world):
    """Three signals over two protocols at once: each item once, each in its own request path."""
    forager = world.start()
    http, rpc = world.sender(), world.grpc()
    for _ in range(20):
        for signal, build in otlp.BUILDERS.items():
            assert http.post(signal, build(5)).status == 200
            assert rpc.post(signal, build(5)) == b""
    forager.wait_settled()
    assert world.judge.counts == dict.fromkeys(otlp.BUILDERS, 200) and world.judge.repeats == 0
    assert not world.missing()
