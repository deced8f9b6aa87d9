"""A real Flask app in its own process, instrumented as its author would, sends through the real binary."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import otlp
import pytest
import requests
from forager import ROOT, clean_environment, wait_until

SUPPORT = Path(otlp.__file__).parent
PYTHON = sys.executable


class FlaskApp:
    """`environment`: OTEL_* settings, and no others."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.truth_file = directory / "truth.jsonl"
        self.log_file = directory / "app.log"
        backend = ROOT / "deploy/compose/backend-flask/app.py"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [PYTHON, str(SUPPORT / "flask_with_truth.py")],
                env=clean_environment(BACKEND=str(backend), TRUTH_FILE=str(self.truth_file), **environment),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.port = int(self.process.stdout.readline().split()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        wait_until(self._answers, 10, "the Flask app")

    def _answers(self) -> bool:
        try:
            return requests.get(self.url + "/", timeout=2).ok
        except requests.ConnectionError:
            return False

    def use(self) -> None:
        """Every route: plain, with an outgoing request, with a 404 and with a bug."""
        assert requests.post(self.url + "/order", {"item": "coffee", "count": 3}, timeout=5).json()["total"] == 18
        assert requests.get(self.url + "/price/water", timeout=5).status_code == 404
        assert requests.get(self.url + "/broken", timeout=5).status_code == 500
        assert requests.post(self.url + "/order", {"item": "water"}, timeout=5).status_code == 500

    def truth(self) -> dict[str, dict]:
        lines = self.truth_file.read_text().splitlines()
        return {each["span_id"]: each for each in map(json.loads, lines)}

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self.process.stdout.close()
        return code


@pytest.fixture
def start_app(tmp_path):
    apps = []

    def start(**environment: str) -> FlaskApp:
        apps.append(FlaskApp(tmp_path, **environment))
        return apps[-1]

    yield start
    for each in apps:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


def assert_all_there_once(judge, truth: dict[str, dict]) -> None:
    """Each span of the app is stored exactly once, with everything that it said."""
    events = judge.events("span")
    assert Counter(event.span_id for event in events) == dict.fromkeys(truth, 1)
    for event in events:
        true = truth[event.span_id]
        data = event.data
        assert event.trace_id == true["trace_id"] and data.get("trace.parent_id") == true["parent_id"]
        assert event.name == true["name"] and data["span.kind"] == true["kind"]
        assert event.dataset == true["service"] and event.time_ns == true["start_ns"]
        assert data["duration_ms"] == pytest.approx(true["duration_ms"])
        assert data["status_code"] == true["status_code"]
        assert data.get("error", False) is (true["status_code"] == 2)
        for name, value in true["attributes"].items():
            assert data[name] == value, name
        for exception in true["exceptions"][:1]:
            assert data["exception.type"] == exception["exception.type"]
            assert data["exception.stacktrace"] == exception["exception.stacktrace"]
    stored = Counter(event.name for event in judge.events("span_event"))
    assert stored == Counter(name for true in truth.values() for name in true["events"])


def test_every_span_of_a_flask_app_arrives_once_and_intact(world, start_app):
    """Scenario: only OTEL_SERVICE_NAME and OTEL_EXPORTER_OTLP_ENDPOINT are set; the app is used, then stopped.
    Guarantees: what the app made, the error route and the outgoing request included, is at the judge, once, unchanged."""
    forager = world.start()
    app = start_app(OTEL_SERVICE_NAME="shop", OTEL_EXPORTER_OTLP_ENDPOINT=forager.endpoint)
    app.use()
    assert app.stop() == 0  # flushes its last batch
    truth = app.truth()
    assert {"server", "client", "internal"} <= {each["kind"] for each in truth.values()}
    assert any(each["exceptions"] for each in truth.values())
    forager.wait_for_book(held=0, delivered=len(truth))
    assert_all_there_once(world.judge, truth)
    assert {request.path for request in world.judge.requests} == {"/v1/traces", "/v1/logs"}
    assert {"2 x", "3 x coffee ordered"} & {event.data["body"] for event in world.judge.events("log")}


def test_an_app_with_an_old_wrong_key_works_and_its_key_stays_here(world, start_app):
    """Scenario: the app still sends a key of its own, and a wrong dataset, as it did before there was a Forager.
    Guarantees: its spans arrive under our key, and neither its key nor its dataset leaves the machine."""
    old = "hcaik_" + "old" * 19 + "x"
    world.foreign_keys.add(old)
    forager = world.start()
    app = start_app(
        OTEL_SERVICE_NAME="shop",
        OTEL_EXPORTER_OTLP_ENDPOINT=forager.endpoint,
        OTEL_EXPORTER_OTLP_HEADERS=f"x-honeycomb-team={old},x-honeycomb-dataset=wrong,authorization=Bearer {old}",
    )
    app.use()
    assert app.stop() == 0
    truth = app.truth()
    forager.wait_for_book(held=0, delivered=len(truth))
    assert_all_there_once(world.judge, truth)
    for request in world.judge.requests:
        assert not request.header("x-honeycomb-dataset") and not request.header("authorization")
