"""Any OTLP backend beside Honeycomb: its own address, headers, compression and certificates."""

from __future__ import annotations

import otlp
import pytest
from aws_judge import KEY_ID, SECRET, AwsJudge
from forager import run, wait_until
from judge import Judge
from judge.server import OUR_KEY


@pytest.fixture
def backend():
    """It happens to ask for a header that is a secret."""
    with Judge() as judge:
        yield judge


def settings(world, backend: Judge, **changes: str) -> dict[str, str]:
    value = OUR_KEY.replace("_", "%5F")  # percent-encoded, as the SDKs take it
    return {
        "FORAGER_OTLP_ENDPOINT": backend.url,
        "FORAGER_OTLP_HEADERS": f"X-Honeycomb-Team={value}, x-scope=shop%20one",
        "FORAGER_OTLP_CERTIFICATE": str(backend.ca_file),
        **changes,
    }


def test_all_signals_go_to_both(world, backend):
    """Scenario: only its address and headers are set, beside a Honeycomb key. Guarantees: each has every item once, gzip by default."""
    forager = world.start(**settings(world, backend))
    for signal, build in otlp.BUILDERS.items():
        assert world.sender(forager).post(signal, build(5)).status == 200
    forager.wait_settled()
    for judge in (world.judge, backend):
        assert all(judge.counts[signal] for signal in otlp.BUILDERS) and not judge.repeats, judge.summary()
    assert {request.header("content-encoding") for request in backend.requests} == {"gzip"}
    assert {request.header("x-scope") for request in backend.requests} == {"shop one"}
    assert run("check", **world.settings(**settings(world, backend))).returncode == 0


def test_one_of_them_down_is_nothing_to_the_other(world, backend):
    """Scenario: the backend refuses connections, and is back. Guarantees: Honeycomb has all at once, the backend all of it later, once."""
    backend.down()
    forager = world.start(**settings(world, backend, FORAGER_OTLP_COMPRESSION="zstd"))
    for _ in range(20):
        assert world.sender(forager).post("traces", otlp.traces(5)).status == 200
    forager.wait_for_book(delivered=100, held=0)
    assert forager.book("traces", "otlp")["held"] == 100
    backend.up()
    wait_until(lambda: forager.book("traces", "otlp")["held"] == 0, 20, "nothing held for the backend")
    assert (backend.counts["traces"], backend.repeats) == (100, 0)
    assert {request.header("content-encoding") for request in backend.requests} == {"zstd"}


def test_a_wrong_header_holds_everything_and_says_so(world, backend):
    forager = world.start(**settings(world, backend, FORAGER_OTLP_HEADERS="x-honeycomb-team=wrong-one"))
    assert world.sender(forager).post("traces", otlp.traces(5)).status == 200
    wait_until(lambda: forager.destination("otlp")["state"] == "parked", 10, "parked")
    assert "headers" in forager.destination("otlp")["last_error"]
    assert forager.book("traces", "otlp")["held"] == 5


def test_an_endpoint_with_a_path_is_asked_there(world):
    """Scenario: two endpoints are behind gateways, under a path. Guarantees: that path comes once in front of theirs, and is signed."""
    with AwsJudge() as server:  # it notes every request, whatever the path
        forager = world.start(
            FORAGER_OTLP_ENDPOINT=server.url + "/behind/gateway/",
            FORAGER_XRAY_ENDPOINT=server.url + "/vpc",
            AWS_ACCESS_KEY_ID=KEY_ID,
            AWS_SECRET_ACCESS_KEY=SECRET,
            AWS_REGION="us-east-1",
        )
        assert world.sender(forager).post("traces", otlp.traces(1)).status == 200
        server.wait_for(lambda it: len({request.path for request in it.requests}) == 2)
        paths = {request.path: request for request in server.requests}
        assert set(paths) == {"/behind/gateway/v1/traces", "/vpc/v1/traces"}
        assert paths["/vpc/v1/traces"].signature_good


def test_a_certificate_is_shown_to_who_asks(world):
    """Scenario: the backend asks for a client certificate; Forager has none, then has one. Guarantees: held, then delivered."""
    with Judge(asks_for_certificates=True) as backend:
        forager = world.start(**settings(world, backend))
        assert world.sender(forager).post("traces", otlp.traces(5)).status == 200
        wait_until(lambda: forager.destination("otlp")["last_error"], 10, "an error")
        assert backend.counts["traces"] == 0
        changes = {"FORAGER_OTLP_CLIENT_CERTIFICATE": str(backend.leaf_file), "FORAGER_OTLP_CLIENT_KEY": str(backend.leaf_file)}
        second = world.start(**settings(world, backend, **changes))
        assert world.sender(second).post("traces", otlp.traces(5)).status == 200
        wait_until(lambda: second.book("traces", "otlp").get("delivered") == 5, 10, "delivered")
