"""Runs the Flask backend as it is, and besides writes every span that the app made to $TRUTH_FILE, one JSON line each.

The file is the ground truth for tests: it is written in the app's process, by a span processor of its own, without OTLP.
"""

import importlib.util
import json
import os
import signal
import socket
import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor


class Truth(SpanProcessor):
    def __init__(self, path):
        self._file = open(path, "a", buffering=1, encoding="utf-8")

    def on_end(self, span):
        context = span.get_span_context()
        exceptions = [dict(event.attributes) for event in span.events if event.name == "exception"]
        line = {
            "trace_id": f"{context.trace_id:032x}",
            "span_id": f"{context.span_id:016x}",
            "parent_id": f"{span.parent.span_id:016x}" if span.parent else None,
            "name": span.name,
            "kind": span.kind.name.lower(),
            "start_ns": span.start_time,
            "duration_ms": (span.end_time - span.start_time) / 1e6,
            "status_code": span.status.status_code.value,
            "service": span.resource.attributes["service.name"],
            "attributes": dict(span.resource.attributes) | dict(span.attributes),
            "events": [event.name for event in span.events],
            "exceptions": exceptions,
        }
        self._file.write(json.dumps(line) + "\n")


def main():
    """PORT is chosen here: the app is told to listen on a port of the system's choice, printed as `port N`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        os.environ["PORT"] = str(probe.getsockname()[1])
    os.environ["HOST"] = "127.0.0.1"
    place = os.environ["BACKEND"]
    spec = importlib.util.spec_from_file_location("backend", place)
    backend = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(backend)
    trace.get_tracer_provider().add_span_processor(Truth(os.environ["TRUTH_FILE"]))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"port {os.environ['PORT']}", flush=True)
    backend.app.run(host="127.0.0.1", port=backend.port(), threaded=True)


if __name__ == "__main__":
    main()
