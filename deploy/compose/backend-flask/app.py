"""A small shop. It knows OpenTelemetry, and nothing about where its telemetry goes: no key, no vendor, no Forager.

OTEL_SERVICE_NAME and OTEL_EXPORTER_OTLP_ENDPOINT are the whole configuration.
"""

import atexit
import logging
import os
import signal
import sys

import requests
from flask import Flask, abort, jsonify, request
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
atexit.register(provider.shutdown)  # the last batch leaves when the app ends

logs = LoggerProvider()
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
atexit.register(logs.shutdown)

app = Flask(__name__)
app.logger.setLevel(logging.INFO)
app.logger.addHandler(LoggingHandler(logger_provider=logs))  # Flask logs there what a route raises
FlaskInstrumentor().instrument_app(app)
RequestsInstrumentor().instrument()
tracer = trace.get_tracer("shop")

PRICES = {"tea": 4.5, "coffee": 6.0, "cocoa": 5.2}


@app.get("/")
def home():
    return jsonify(items=sorted(PRICES))


@app.get("/price/<item>")
def price(item):
    if item not in PRICES:
        abort(404)
    return jsonify(item=item, price=PRICES[item])


@app.post("/order")
def order():
    """Asks the price over HTTP, as if it were another service: one trace with a client and two server spans."""
    item, count = request.form.get("item", "tea"), request.form.get("count", 1, type=int)
    with tracer.start_as_current_span("work out the total") as span:
        span.set_attribute("order.item", item)
        span.set_attribute("order.count", count)
        answer = requests.get(f"http://127.0.0.1:{port()}/price/{item}", timeout=5)
        answer.raise_for_status()
        total = answer.json()["price"] * count
        span.add_event("total known", {"order.total": total})
        app.logger.info("%d x %s ordered", count, item)
    return jsonify(item=item, count=count, total=total)


@app.get("/broken")
def broken():
    """A bug, to see what one looks like in a trace."""
    return jsonify(1 / (request.args.get("by", 0, type=int)))


def port():
    return int(os.environ.get("PORT", "8000"))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that atexit runs
    app.run(host=os.environ.get("HOST", "0.0.0.0"), port=port(), threaded=True)
