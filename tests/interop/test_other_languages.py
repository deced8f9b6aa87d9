"""The real SDKs of Node, Go and Java export through Forager unchanged: every span arrives once."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

COUNT = 700  # more than one batch of 512


def send(world, command: list[str], cwd, **settings: str) -> None:
    """Runs one client against a fresh Forager; what it says it made is what the judge must have, once each."""
    forager = world.start()
    grpc = settings.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc"
    endpoint = f"http://127.0.0.1:{forager.grpc_port}" if grpc else forager.endpoint
    made = subprocess.run(
        command, cwd=cwd, timeout=120, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "OTEL_SERVICE_NAME": "interop",
             "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **settings})
    assert made.returncode == 0, made.stderr
    ids = json.loads(made.stdout)
    assert len(set(ids)) == COUNT
    world.judge.wait_for(lambda judge: judge.count("traces") >= COUNT, 20, f"{COUNT} spans")
    spans = world.judge.events("span")
    assert sorted(each.data["trace.span_id"] for each in spans) == sorted(ids)
    assert {each.dataset for each in spans} == {"interop"}
    assert sorted(each.data["index"] for each in spans) == list(range(COUNT))
    assert {each.data["text"] for each in spans} == {"gr\u00fc\u00dfe"}
    assert world.judge.repeats == 0


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("kind", ["proto", "json", "grpc"])
def test_node(world, node, kind, compression):
    """Node sends chunked bodies, JSON with hex ids, and gRPC from its own HTTP/2."""
    protocol = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"} if kind == "grpc" else {}
    send(world, ["node", "send.mjs", kind, str(COUNT)], node, OTEL_EXPORTER_OTLP_COMPRESSION=compression, **protocol)


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("kind", ["http", "grpc"])
def test_go(world, go, kind, compression):
    """Go sends gzip chunked, and grpc-go is the reference client of gRPC."""
    protocol = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"} if kind == "grpc" else {}
    send(world, [str(go / "interop"), kind, str(COUNT)], go, OTEL_EXPORTER_OTLP_COMPRESSION=compression,
         OTEL_EXPORTER_OTLP_INSECURE="true", **protocol)


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_java(world, java, protocol, compression):
    """Java configured by its environment alone, as with the agent."""
    send(world, ["java", "-cp", "target/classes:target/dependency/*", "interop.Send", str(COUNT)], java,
         OTEL_EXPORTER_OTLP_PROTOCOL=protocol, OTEL_EXPORTER_OTLP_COMPRESSION=compression,
         OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
