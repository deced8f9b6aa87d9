"""From exec to exit: start-up, signals, commands, exit codes, and what may never be printed."""

from __future__ import annotations

import json
import re
import signal
import socket
import time

import otlp
import pytest
from forager import (
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    EXIT_LOST,
    EXIT_OK,
    EXIT_UNAVAILABLE,
    EXIT_USAGE,
    LISTENING,
    binary,
    run,
    wait_until,
)  # fmt: skip
from judge import faults
from judge.server import OUR_KEY
from load import Load
from sender import Sender

needs_binary = pytest.mark.skipif(binary() is None, reason="no binary: build one, or name it in FORAGER_BIN")


def test_it_serves_within_a_second_and_says_where(world):
    """One line for each listener, as soon as it is bound; and a 200 on a span at once."""
    forager = world.start()
    lines = forager.wait_for_line(LISTENING.pattern, count=3)
    assert {LISTENING.search(line.text).group(1) for line in lines} == {"otlp/http", "otlp/grpc", "admin"}
    assert world.sender().post("traces", otlp.traces(1)).status == 200
    if not forager.sanitized:
        assert lines[-1].at - forager.started < 1
    assert "on disk" in forager.output and "200 means it is synced" in forager.output, "it must say what 200 means"
    assert forager.get("/livez")[0] == forager.get("/readyz")[0] == forager.get("/healthz")[0] == 200


def test_after_sigterm_the_app_flushes_and_nothing_is_lost(world):
    """Scenario: app and sidecar get SIGTERM together; the app takes its time to send its last batches on a new connection.
    Guarantees: the port outlives the app, readiness goes, everything arrives, exit 0."""
    forager = world.start(FORAGER_STOP_QUIET="1s", FORAGER_STOP_GRACE="10s")
    sender = world.sender()
    assert sender.post("traces", otlp.traces(10)).status == 200
    forager.signal(signal.SIGTERM)
    wait_until(lambda: forager.get("/readyz")[0] == 503, 5, "/readyz 503")
    assert forager.get("/livez")[0] == 200
    for _ in range(5):
        late = Sender(forager.http_port, world.acknowledged)
        assert late.post("traces", otlp.traces(10)).status == 200
        late.close()
    assert world.grpc().post("traces", otlp.traces(10)) == b""
    assert forager.wait() == EXIT_OK
    assert not world.missing() and world.judge.count("traces") == 70


def test_a_request_that_is_open_at_sigterm_is_answered(world):
    """Half of the body came before the signal, the other half after it."""
    forager = world.start(FORAGER_STOP_QUIET="50ms", FORAGER_STOP_GRACE="10s")
    body = otlp.traces(50).SerializeToString()
    head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", forager.http_port), 10) as app:
        app.sendall(head.encode() + body[:100])
        wait_until(lambda: forager.status()["receivers"][0]["open_connections"] > 0, 5, "the connection")
        forager.signal(signal.SIGTERM)
        wait_until(lambda: forager.get("/readyz")[0] == 503, 5, "/readyz 503")
        app.sendall(body[100:])
        assert app.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert forager.wait() == EXIT_OK
    world.acknowledged.add("traces", body)
    assert not world.missing()


def test_stopping_under_load_loses_nothing(world):
    """Scenario: apps send all the time, also while it stops, until the port is gone.
    Guarantees: each 200 was meant; the rest saw a clean refusal or a closed port."""
    forager = world.start(FORAGER_STOP_QUIET="100ms", FORAGER_STOP_GRACE="2s")
    with Load(world, forager, apps=4, interval=0.005) as load:
        load.wait_for_answers(100)
        forager.signal(signal.SIGTERM)
        assert forager.wait() == EXIT_OK
    assert set(load.statuses) <= {200, 503, 0}
    assert not world.missing()


def test_a_second_signal_ends_it_at_once(world):
    """Scenario: the destination hangs, so that draining would take the whole grace."""
    world.judge.faults.add(faults.Hang())
    forager = world.start(FORAGER_STOP_GRACE="60s")
    assert world.sender().post("traces", otlp.traces(1)).status == 200
    forager.signal(signal.SIGTERM)
    wait_until(lambda: forager.get("/readyz")[0] == 503, 5, "/readyz 503")
    start = time.monotonic()
    forager.signal(signal.SIGINT)
    assert forager.wait(5) == EXIT_INTERRUPTED
    assert time.monotonic() - start < 1


def test_what_is_still_in_memory_at_the_end_is_counted_as_lost(world):
    """Scenario: the destination is gone for good. Guarantees: its grace is kept, and the last words and the exit code say it."""
    world.judge.down()
    forager = world.start(FORAGER_STOP_GRACE="1s", FORAGER_JOURNAL="memory")
    assert "keeping data in memory" in forager.output, "it must say what 200 means"
    for _ in range(3):
        assert world.sender().post("traces", otlp.traces(7)).status == 200
    start = time.monotonic()
    assert forager.terminate() == EXIT_LOST
    assert time.monotonic() - start < 4
    last = [line.text for line in forager.lines if line.stream == "stdout"][-1]
    assert "21 lost" in last, forager.output
    assert re.search(r"\b21 items\b.*\blost\b.*FORAGER_STOP_GRACE", forager.output)


def test_the_last_line_is_the_ledger(world):
    """Who reads the end of the log sees what became of everything."""
    forager = world.start()
    assert world.sender().post("traces", otlp.traces(12)).status == 200
    forager.wait_for_book(held=0, delivered=12)
    assert forager.terminate() == EXIT_OK
    last = [line.text for line in forager.lines if line.stream == "stdout"][-1]
    assert last.startswith("ledger: traces:") and "12 spans" in last and "honeycomb: 12 delivered" in last, last


def test_sighup_reads_the_key_again_and_nobody_is_disconnected(world, tmp_path):
    """The same connection serves before and after; the next request has the new key."""
    new_key = "hcaik_" + "fresh0key0" * 5 + "fresh0ke"
    file = tmp_path / "key"
    file.write_text(OUR_KEY)
    world.judge.keys.add(new_key)
    forager = world.start(HONEYCOMB_API_KEY="", HONEYCOMB_API_KEY_FILE=str(file))
    sender = world.sender()
    assert sender.post("traces", otlp.traces(1)).status == 200
    forager.wait_for_book(held=0, delivered=1)
    local = sender._connection.sock.getsockname()
    file.write_text(new_key)
    forager.signal(signal.SIGHUP)

    def under_new_key() -> bool:
        assert sender.post("traces", otlp.traces(1)).status == 200
        forager.wait_for_book(held=0)
        return world.judge.requests[-1].key == new_key

    wait_until(under_new_key, 10, "the new key")
    assert sender._connection.sock.getsockname() == local and forager.running


def test_sighup_with_a_broken_key_file_keeps_the_old_key(world, tmp_path):
    """A half-written file must not stop deliveries; the log says what is wrong with it."""
    file = tmp_path / "key"
    file.write_text(OUR_KEY)
    forager = world.start(HONEYCOMB_API_KEY="", HONEYCOMB_API_KEY_FILE=str(file))
    file.write_text("")
    forager.signal(signal.SIGHUP)
    forager.wait_for_line(r"not reloaded|stays as it was")
    assert world.sender().post("traces", otlp.traces(3)).status == 200
    forager.wait_for_book(held=0, delivered=3)


@pytest.mark.parametrize("name", ["OTLP_HTTP", "OTLP_GRPC", "ADMIN"])
def test_a_port_in_use_is_exit_69_with_words(world, name):
    """A second sidecar on the same port must fail loudly, and leave the first alone."""
    first = world.start()
    port = {"OTLP_HTTP": first.http_port, "OTLP_GRPC": first.grpc_port, "ADMIN": first.admin_port}[name]
    second = world.launch(**{f"FORAGER_{name}_LISTEN": f"127.0.0.1:{port}"})
    assert second.wait() == EXIT_UNAVAILABLE
    assert str(port) in second.output and "in use" in second.output and f"FORAGER_{name}_LISTEN" in second.output
    assert world.sender(first).post("traces", otlp.traces(1)).status == 200
    first.wait_settled()


@needs_binary
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"FORAGER_ADMIN_LISTEN": "nowhere"}, ["FORAGER_ADMIN_LISTEN"]),
        ({"FORAGER_MEMORY_LIMT": "1GiB"}, ["FORAGER_MEMORY_LIMT", "FORAGER_MEMORY_LIMIT"]),
        ({"FORAGER_STOP_GRACE": "8", "FORAGER_COMPRESSION": "lzma"}, ["FORAGER_STOP_GRACE", "FORAGER_COMPRESSION", "zstd"]),
        ({"HONEYCOMB_API_ENDPOINT": "ftp://x"}, ["HONEYCOMB_API_ENDPOINT"]),
        ({"HONEYCOMB_API_KEY_FILE": "/nonexistent/key"}, ["/nonexistent/key", "does not exist"]),
        ({"HONEYCOMB_API_KEY": OUR_KEY, "HONEYCOMB_API_KEY_FILE": "/x"}, ["HONEYCOMB_API_KEY", "HONEYCOMB_API_KEY_FILE"]),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)  # fmt: skip
@pytest.mark.parametrize("command", ["run", "check"])
def test_wrong_settings_are_exit_64_with_all_of_them_named(settings, words, command):
    """Each with its fix; nothing starts. `check` says the same without starting."""
    done = run(command, **settings)
    assert done.returncode == EXIT_USAGE, done
    for word in words:
        assert word in done.stderr + done.stdout
    assert OUR_KEY not in done.stderr + done.stdout


@needs_binary
def test_kubernetes_own_variables_are_no_mistakes():
    """A service named `forager` puts these into every pod."""
    done = run("check", HONEYCOMB_API_KEY=OUR_KEY, FORAGER_SERVICE_HOST="10.0.0.1", FORAGER_PORT="tcp://10.0.0.1:4318",
               FORAGER_PORT_4318_TCP_ADDR="10.0.0.1", FORAGER_SERVICE_PORT_OTLP="4318")  # fmt: skip
    assert done.returncode == EXIT_OK, done


@needs_binary
@pytest.mark.parametrize("command", [["check"], ["config"], ["version"], ["--help"], ["--version"]])
def test_commands_that_only_say_something_end_with_0_and_no_secret(command):
    """The key is set, and must not be seen."""
    done = run(*command, HONEYCOMB_API_KEY=OUR_KEY)
    assert done.returncode == EXIT_OK and done.stdout.strip(), done
    assert OUR_KEY not in done.stdout + done.stderr


@needs_binary
def test_config_shows_each_value_with_its_origin():
    """What is in force, and why."""
    done = run("config", "--log-level", "debug", HONEYCOMB_API_KEY=OUR_KEY, FORAGER_STOP_GRACE="9s")
    assert done.returncode == EXIT_OK, done
    lines = done.stdout.splitlines()
    assert any("[secret]" in line and "HONEYCOMB_API_KEY" in line for line in lines)
    assert any("9s" in line and "FORAGER_STOP_GRACE" in line for line in lines)
    assert any("debug" in line and "--log-level" in line for line in lines)
    assert any("https://api.honeycomb.io" in line and "default" in line for line in lines)


@needs_binary
@pytest.mark.parametrize("arguments", [["--no-such-flag"], ["fly"], ["run", "extra"]])
def test_a_wrong_command_line_is_exit_64(arguments):
    """And named."""
    done = run(*arguments)
    assert done.returncode == EXIT_USAGE and arguments[-1].lstrip("-") in done.stderr + done.stdout, done


def test_healthcheck_says_what_a_container_runtime_wants_to_hear(world):
    """0 while it lives, 1 when nobody answers; --ready is 1 while draining, --live still 0."""
    forager = world.start(FORAGER_STOP_QUIET="3s", FORAGER_STOP_GRACE="10s")
    there = {"FORAGER_ADMIN_LISTEN": f"127.0.0.1:{forager.admin_port}"}
    for arguments in ([], ["--live"], ["--ready"]):
        assert run("healthcheck", *arguments, **there).returncode == EXIT_OK
    forager.signal(signal.SIGTERM)
    wait_until(lambda: forager.get("/readyz")[0] == 503, 5, "/readyz 503")
    assert run("healthcheck", "--ready", **there).returncode == EXIT_FAILURE
    assert run("healthcheck", **there).returncode == EXIT_OK
    forager.signal(signal.SIGTERM)
    forager.wait()
    assert run("healthcheck", **there).returncode == EXIT_FAILURE


def test_without_a_key_the_demo_shows_a_trace_on_the_terminal_and_in_the_hive(world):
    """Scenario: `forager` in one terminal, `forager demo` in another, nothing configured."""
    forager = world.start(HONEYCOMB_API_KEY="", HONEYCOMB_API_ENDPOINT="", SSL_CERT_FILE="")
    done = run("demo", "--endpoint", forager.endpoint)
    assert done.returncode == EXIT_OK, done
    trace_id = re.search(r"trace id ([0-9a-f]{32})", done.stdout).group(1)
    forager.wait_for_line(rf"spans, .*{trace_id[:8]}")

    def recent() -> list[dict]:
        return json.loads(forager.get("/hive/recent")[1])

    wait_until(lambda: {each["signal"] for each in recent()} == {"traces", "metrics", "logs"}, 5, "all three signals in the hive")
    assert any(trace_id in json.dumps(each["data"]) for each in recent() if each["signal"] == "traces")
    assert not world.judge.requests


def test_the_hive_beside_honeycomb_sees_the_same_items(world):
    """FORAGER_DESTINATIONS names both; each has a book of its own."""
    forager = world.start(FORAGER_DESTINATIONS="honeycomb,hive")
    assert world.sender().post("traces", otlp.traces(5, name="both")).status == 200
    forager.wait_settled()
    assert forager.book()["delivered"] == forager.book(destination="hive")["delivered"] == 5
    [request] = json.loads(forager.get("/hive/recent?signal=traces")[1])
    assert request["items"] == 5 and "both" in json.dumps(request["data"])


def test_demo_without_a_forager_is_exit_1_with_the_fix():
    """Nobody listens on a port that is only reserved."""
    if binary() is None:
        pytest.fail("no binary: build one, or name it in FORAGER_BIN")
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        done = run("demo", "--endpoint", f"http://127.0.0.1:{reserved.getsockname()[1]}")
    assert done.returncode == EXIT_FAILURE and done.stderr.strip(), done


def test_listeners_that_are_off_are_off(world):
    """Only the HTTP port is wanted."""
    forager = world.start(FORAGER_OTLP_GRPC_LISTEN="off", FORAGER_ADMIN_LISTEN="off")
    lines = [line.text for line in forager.lines if LISTENING.search(line.text)]
    assert len(lines) == 1 and "otlp/http" in lines[0]
    assert Sender(forager.http_port).post("traces", otlp.traces(1)).status == 200
    world.judge.wait_for(lambda j: j.count("traces") == 1)
    assert forager.terminate() == EXIT_OK


def test_a_secret_in_every_place_is_seen_in_none(world):
    """Debug log, status, metrics, ledger, a refused key, and an app's own key under pass-through."""
    theirs = "hcaik_" + "their0key0" * 5 + "their0ke"
    world.secrets.add(theirs)
    world.judge.keys.add(theirs)
    world.judge.faults.add(faults.Status(code=401, times=2))
    forager = world.start(
        FORAGER_LOG_LEVEL="debug",
        FORAGER_KEY_POLICY="pass-through",
        FORAGER_PROBE_INTERVAL="100ms",
        FORAGER_LOG_FORMAT="json",
    )
    sender = world.sender()
    assert sender.post("traces", otlp.traces(1), headers={"x-honeycomb-team": theirs}).status == 200
    forager.wait_settled()
    assert {request.key for request in world.judge.requests if request.stored} == {theirs}
    assert sender.post("traces", otlp.traces(1)).status == 401
    for page in ("/status", "/metrics", "/ledger", "/hive/recent"):
        body = forager.get(page)[1]
        assert theirs.encode() not in body and OUR_KEY.encode() not in body
    for line in forager.lines:
        if line.text.startswith("{"):
            json.loads(line.text)


def test_the_admin_port_answers_only_to_its_own_name(world):
    """DNS rebinding: a page of another site that resolves to 127.0.0.1 is refused (DESIGN, ports)."""
    forager = world.start()
    sender = Sender(forager.admin_port)
    assert sender.raw("GET", "/status", None, {"Host": f"127.0.0.1:{forager.admin_port}"}).status == 200
    assert sender.raw("GET", "/status", None, {"Host": "evil.example"}).status in (400, 403, 421)
    assert sender.raw("GET", "/status", None, {"Host": "localhost", "Origin": "https://evil.example"}).status == 403
    sender.close()
