"""Where it listens besides localhost: unix sockets, and all interfaces."""

from __future__ import annotations

import socket
from http.client import HTTPConnection

import grpc
import otlp
import pytest
from forager import EXIT_OK, EXIT_UNAVAILABLE, LISTENING, run
from sender import METHODS

ENDED = 5  # spans per request


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as it:
            it.bind(("::1", 0))
            return True
    except OSError:
        return False


def test_all_interfaces_of_both_families(world):
    """":port" means every address of the machine, IPv4 and IPv6, and the start-up lines name both."""
    forager = world.start(**{f"FORAGER_{name}_LISTEN": ":0" for name in ("OTLP_HTTP", "OTLP_GRPC", "ADMIN")})
    hosts = ["127.0.0.1", *(["::1"] if has_ipv6() else [])]
    for name in ("otlp/http", "otlp/grpc", "admin"):
        lines = [LISTENING.search(line.text) for line in forager.wait_for_line(rf"listening {name} ", count=len(hosts))]
        assert [line.group(2) for line in lines] == ["0.0.0.0", "[::]"][: len(hosts)]
        assert len({line.group(3) for line in lines}) == 1, "one port for both"
    for host in hosts:
        body = otlp.traces(ENDED).SerializeToString()
        connection = HTTPConnection(host, forager.http_port, timeout=10)
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        assert connection.getresponse().status == 200
        connection.close()
        world.acknowledged.add("traces", body)
        body = otlp.traces(ENDED).SerializeToString()
        with grpc.insecure_channel(f"[{host}]:{forager.grpc_port}" if ":" in host else f"{host}:{forager.grpc_port}") as channel:
            assert channel.unary_unary(METHODS["traces"])(body, timeout=10) == b""
        world.acknowledged.add("traces", body)
        socket.create_connection((host, forager.admin_port), 10).close()
    forager.wait_for_book(held=0, delivered=2 * ENDED * len(hosts))


@pytest.mark.parametrize("name", ["OTLP_HTTP", "OTLP_GRPC", "ADMIN"])
def test_a_plain_file_is_not_taken_for_a_dead_socket(world, tmp_path, name):
    """What is no socket is left alone, and named."""
    path = tmp_path / "precious"
    path.write_text("data")
    forager = world.launch(**{f"FORAGER_{name}_LISTEN": f"unix:{path}"})
    assert forager.wait() == EXIT_UNAVAILABLE
    assert path.read_text() == "data" and str(path) in forager.output and f"FORAGER_{name}_LISTEN" in forager.output


def test_unix_sockets_for_all_three(world, tmp_path):
    """Scenario: no TCP port at all, as between containers that share a volume. Guarantees: both protocols and the admin pages work,
    and the socket files are gone afterwards."""
    paths = {name: tmp_path / f"{name}.sock" for name in ("OTLP_HTTP", "OTLP_GRPC", "ADMIN")}
    forager = world.launch(**{f"FORAGER_{name}_LISTEN": f"unix:{path}" for name, path in paths.items()})
    forager.wait_for_line(r"^listening .*unix:", count=3)
    body = otlp.traces(ENDED).SerializeToString()
    status, _ = over_unix(paths["OTLP_HTTP"], "POST", "/v1/traces", body)
    assert status == 200
    world.acknowledged.add("traces", body)
    body = otlp.traces(ENDED).SerializeToString()
    with grpc.insecure_channel(f"unix:{paths['OTLP_GRPC']}") as channel:
        assert channel.unary_unary(METHODS["traces"])(body, timeout=10) == b""
    world.acknowledged.add("traces", body)
    world.judge.wait_for(lambda judge: judge.count("traces") == 2 * ENDED)
    status, page = over_unix(paths["ADMIN"], "GET", "/readyz")
    assert status == 200, page
    there = {"FORAGER_ADMIN_LISTEN": f"unix:{paths['ADMIN']}"}
    assert run("healthcheck", "--ready", **there).returncode == EXIT_OK
    assert forager.terminate() == EXIT_OK
    assert not world.missing() and not any(path.exists() for path in paths.values())


def over_unix(path, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = HTTPConnection("localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(10)
    connection.sock.connect(str(path))
    try:
        connection.request(method, target, body, {"Content-Type": "application/x-protobuf"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
