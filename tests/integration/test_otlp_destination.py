"""Any OTLP backend beside Honeycomb: its own address, headers, compression and certificates."""

from __future__ import annotations

import signal
from pathlib import Path

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


def replace(path: Path, content: str | bytes) -> None:
    """As secrets are replaced: all of it at once."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(content if isinstance(content, bytes) else content.encode())
    new.chmod(0o600)
    new.replace(path)


def change(forager, path, content, told: str) -> None:
    """`told`: how Forager learns of it."""
    replace(path, content)
    if told == "by SIGHUP":
        forager.process.send_signal(signal.SIGHUP)


@pytest.mark.parametrize("told", ["by the file alone", "by SIGHUP"])
def test_headers_come_from_a_file_that_may_be_replaced(world, backend, tmp_path, told):
    """Scenario: the headers in the file are refused, a broken file follows, then the right one. Guarantees: all is held, then
    arrives once, without a restart; the broken one is named with the fix and changes nothing; no header is printed."""
    headers = tmp_path / "headers"
    replace(headers, "x-honeycomb-team=wrong-one\n")
    changes = {"FORAGER_OTLP_HEADERS": "", "FORAGER_OTLP_HEADERS_FILE": str(headers), "FORAGER_PROBE_INTERVAL": "60s"}
    forager = world.start(**settings(world, backend, **changes))
    for _ in range(4):
        assert world.sender(forager).post("traces", otlp.traces(5)).status == 200
    wait_until(lambda: forager.destination("otlp")["state"] == "parked", 10, "parked")
    assert backend.counts["traces"] == 0
    change(forager, headers, "Authorization: no-such-form\n", told)
    wait_until(lambda: "has a header without =" in forager.output, 10, "said that it is broken")
    assert str(headers) in forager.output
    assert forager.book("traces", "otlp")["held"] == 20
    change(forager, headers, f"x-honeycomb-team={OUR_KEY}\nx-scope=shop%20one\n", told)
    wait_until(lambda: forager.book("traces", "otlp")["held"] == 0, 15, "nothing held")
    assert (backend.counts["traces"], backend.repeats) == (20, 0)
    assert {request.header("x-scope") for request in backend.requests if request.stored} == {"shop one"}
    assert "wrong-one" not in forager.output and "no-such-form" not in forager.output and OUR_KEY not in forager.output
    forager.wait_settled()


@pytest.mark.parametrize("told", ["by the files alone", "by SIGHUP"])
def test_a_client_certificate_may_be_replaced(world, tmp_path, told):
    """Scenario: the backend takes none of an authority that it doesn't know; a broken file follows, then the right one.
    Guarantees: all is held, then arrives once, without a restart; the broken one is named and changes nothing."""
    with Judge() as stranger, Judge(asks_for_certificates=True) as backend:
        ours = tmp_path / "us.pem"
        replace(ours, stranger.leaf_file.read_bytes())
        changes = {"FORAGER_OTLP_CLIENT_CERTIFICATE": str(ours), "FORAGER_OTLP_CLIENT_KEY": str(ours)}
        forager = world.start(**settings(world, backend, **changes, FORAGER_RETRY_MAX="60s"))
        for _ in range(4):
            assert world.sender(forager).post("traces", otlp.traces(5)).status == 200
        wait_until(lambda: forager.destination("otlp")["last_error"], 10, "an error")
        assert backend.counts["traces"] == 0
        change(forager, ours, "no certificate", told)
        wait_until(lambda: "the certificates stay as they were" in forager.output, 15, "said that it is broken")
        assert str(ours) in forager.output
        change(forager, ours, backend.leaf_file.read_bytes(), told)
        wait_until(lambda: forager.book("traces", "otlp").get("delivered") == 20, 20, "delivered")
        assert (backend.counts["traces"], backend.repeats) == (20, 0)
        forager.wait_settled()
