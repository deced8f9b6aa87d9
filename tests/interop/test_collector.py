"""A real OpenTelemetry Collector on either side of Forager: as the app that sends, and as the destination that receives."""

from __future__ import annotations

import contextlib
import socket
import subprocess

import otlp
import pytest
from forager import wait_until
from sender import Sender

ROUNDS = 30


def free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


@contextlib.contextmanager
def running(collector, folder, config: str, port: int):
    """The Collector with that configuration, listening."""
    (folder / "collector.yaml").write_text(config)
    log = (folder / "collector.log").open("w")
    process = subprocess.Popen([collector, "--config", str(folder / "collector.yaml")], stdout=log, stderr=log)

    def listens() -> bool:
        assert process.poll() is None, (folder / "collector.log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    try:
        wait_until(listens, 20, "the Collector's port")
        yield process
    finally:
        process.terminate()
        process.wait(20)
        log.close()


@pytest.mark.parametrize("kind, codec", [("otlphttp", "gzip"), ("otlphttp", "zstd"), ("otlphttp", "none"), ("otlp", "gzip")])
def test_collector_sends_through_forager(world, collector, tmp_path, kind, codec):
    """App -> Collector -> Forager -> judge, over HTTP and gRPC with the Collector's own codecs: nothing missing, nothing twice."""
    forager = world.start()
    port = free_port()
    endpoint = forager.endpoint if kind == "otlphttp" else f"127.0.0.1:{forager.grpc_port}"
    config = f"""\
receivers: {{otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:{port}}}}}}}}}
processors: {{batch: {{timeout: 50ms}}}}
exporters: {{{kind}: {{endpoint: "{endpoint}", compression: {codec}, tls: {{insecure: true}}}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], processors: [batch], exporters: [{kind}]}}
    metrics: {{receivers: [otlp], processors: [batch], exporters: [{kind}]}}
    logs: {{receivers: [otlp], processors: [batch], exporters: [{kind}]}}
"""
    with running(collector, tmp_path, config, port):
        sent = send_through(port)
        arrive(world, sent)


def test_forager_delivers_to_a_collector(world, collector, tmp_path):
    """App -> Forager -> Collector -> judge: what Forager merges and compresses is what a real receiver takes."""
    port = free_port()
    config = f"""\
receivers: {{otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:{port}, include_metadata: true}}}}}}}}
exporters:
  otlphttp:
    endpoint: {world.judge.url}
    headers: {{x-honeycomb-team: {next(iter(world.judge.keys))}}}
    tls: {{ca_file: {world.judge.ca_file}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [otlphttp]}}
    metrics: {{receivers: [otlp], exporters: [otlphttp]}}
    logs: {{receivers: [otlp], exporters: [otlphttp]}}
"""
    with running(collector, tmp_path, config, port):
        forager = world.start(HONEYCOMB_API_ENDPOINT=f"http://127.0.0.1:{port}")
        sent = send_through(forager.http_port)
        arrive(world, sent)
        assert forager.destination()["codec"] == "zstd"


def send_through(port: int) -> dict[str, int]:
    """Requests of all three signals to that OTLP/HTTP port; how many items of each were answered 200."""
    sent = dict.fromkeys(otlp.BUILDERS, 0)
    sender = Sender(port)
    try:
        for number in range(ROUNDS):
            for signal, build in otlp.BUILDERS.items():
                count = 1 + number % 7
                reply = sender.post(signal, build(count))
                assert reply.status == 200, reply
                sent[signal] += count
    finally:
        sender.close()
    return sent


def arrive(world, sent: dict[str, int]) -> None:
    """All of it is stored, once."""
    world.judge.wait_for(lambda judge: all(judge.counts[s] >= n for s, n in sent.items()), 20, str(sent))
    assert dict(world.judge.counts) == sent
