"""The compose file's services run for real, in every form; what the app makes arrives at a judge, and a stop loses nothing.

podman-compose on Debian's podman 4.3 ignores `condition: service_healthy` and says so; the order of start and stop is its own.
The judge speaks HTTP without TLS here: its certificate is for localhost, and the containers see this machine under another name.
"""

from __future__ import annotations

import os
import subprocess

import pytest
import requests
from engine import IMAGE, inspect, logs, podman, succeeds
from forager import ROOT, wait_until
from judge import Judge
from judge.server import OUR_KEY

COMPOSE = ROOT / "deploy/compose/compose.yml"
HERE = ROOT / "tests/deploy"
SHOP = "http://127.0.0.1:8000"
# profile: Forager's service, the app's
FORMS = {
    "sidecar": ("forager", "backend-flask"),
    "app-owns-network": ("forager-as-guest", "backend-flask-as-owner"),
    "own-service": ("forager-service", "backend-flask-with-service"),
    "no-key": ("forager-without-key", "backend-flask-without-key"),
}


def build(tag: str, folder, *options: str) -> None:
    if succeeds("image", "exists", tag):
        return
    subprocess.run(["buildah", "bud", "--isolation", "chroot", "--format", "docker", "--pull-never", "--layers", "-t", tag, *options,
                    str(folder)], check=True, capture_output=True, timeout=600)  # fmt: skip


@pytest.fixture(scope="module")
def app_image() -> str:
    """The app's own Dockerfile, on Debian's Python; pip sees the authorities of this machine."""
    authorities = os.environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt")
    build("localhost/python:bookworm", HERE, "-f", str(HERE / "python.Dockerfile"))
    build("localhost/backend-flask:test", COMPOSE.parent / "backend-flask", "--build-arg", "BASE=localhost/python:bookworm",
          "-v", f"{authorities}:/etc/ssl/certs/ca-certificates.crt:ro")  # fmt: skip
    return "localhost/backend-flask:test"


class Project:
    """One form of the file, up. `name` keeps it apart from others on the machine."""

    def __init__(self, profile: str, directory, app_image: str, judge: Judge) -> None:
        self.forager, self.app = (f"forager-test_{service}_1" for service in FORMS[profile])
        key = directory / "key"
        key.write_text(OUR_KEY + "\n")
        key.chmod(0o644)  # the container's user isn't the file's owner
        more = directory / "test.yml"
        port = judge.url.rsplit(":", 1)[1]
        more.write_text(
            f"services:\n  {FORMS[profile][0]}:\n    environment:\n"
            f"      HONEYCOMB_API_ENDPOINT: http://host.containers.internal:{port}\n"
            if profile != "no-key"
            else "services: {}\n"
        )
        self.environment = os.environ | {
            "FORAGER_IMAGE": IMAGE, "BACKEND_FLASK_IMAGE": app_image, "HONEYCOMB_API_KEY_FILE": str(key),
        }  # fmt: skip
        self.command = ["podman-compose", "-p", "forager-test", "-f", str(COMPOSE), "-f", str(more), "--profile", profile]

    def do(self, *what: str) -> str:
        done = subprocess.run([*self.command, *what], env=self.environment, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def up(self) -> None:
        self.do("up", "-d", "--no-build")
        wait_until(lambda: succeeds("exec", self.forager, "/usr/bin/forager", "healthcheck", "--ready"), 10, "a healthy Forager")
        wait_until(self.answers, 15, "the shop")

    def answers(self) -> bool:
        try:
            return requests.get(SHOP + "/", timeout=2).ok
        except requests.ConnectionError:
            return False

    def ledger(self) -> str:
        return next(line for line in reversed(podman("logs", self.forager).splitlines()) if line.startswith("ledger: "))


@pytest.fixture
def project(tmp_path, app_image):
    started = []
    with Judge(tls=False, host="0.0.0.0") as judge:

        def start(profile: str) -> tuple[Project, Judge]:
            it = Project(profile, tmp_path, app_image, judge)
            started.append(it)
            it.up()
            return it, judge

        yield start
        for each in started:
            each.do("down", "-v", "-t", "1")


def order(count: int = 1) -> None:
    answer = requests.post(SHOP + "/order", {"item": "coffee", "count": count}, timeout=5)
    assert answer.json()["total"] == 6 * count


@pytest.mark.parametrize("profile", ["sidecar", "own-service"])
def test_the_app_is_used_and_stopped_and_nothing_is_lost(project, profile):
    """Scenario: orders up to the moment of `stop`, so that the app has a batch to flush, and Forager one to deliver.
    Guarantees: all four spans of each order are at the judge, once; both ended with 0 before anybody was killed."""
    it, judge = project(profile)
    for _ in range(5):
        order()
    it.do("stop")
    for name in (it.app, it.forager):
        assert inspect("container", name)["State"]["ExitCode"] == 0, logs(name)
    spans = judge.events("span")
    orders = [event for event in spans if event.name == "POST /order"]
    assert len(orders) == 5 and len({event.span_id for event in spans}) == len(spans)
    for each in orders:
        assert sum(event.trace_id == each.trace_id for event in spans) == 4
    assert f"honeycomb: {len(spans)} delivered" in it.ledger() and "lost" not in it.ledger()
    assert OUR_KEY not in logs(it.forager) and {request.key for request in judge.requests} == {OUR_KEY}


def test_with_the_app_as_owner_of_the_network_what_forager_has_is_delivered(project):
    """In this form an engine may stop Forager before the app (docs/compose.md): only what reached Forager is promised."""
    it, judge = project("app-owns-network")
    order()
    judge.wait_for(lambda j: any(event.name == "POST /order" for event in j.events("span")), 10, "the order")
    it.do("stop")
    assert inspect("container", it.forager)["State"]["ExitCode"] == 0, logs(it.forager)
    assert f"honeycomb: {len(judge.events('span'))} delivered" in it.ledger()


def test_without_a_key_the_order_is_in_foragers_log(project):
    """Nothing leaves the machine."""
    it, judge = project("no-key")
    order()
    wait_until(lambda: "POST /order" in podman("logs", it.forager), 10, "a line about the order")
    assert not judge.requests


def test_the_containers_are_as_bare_as_the_file_says(project):
    """Read-only, no capability, no new privileges: also through compose."""
    it, _ = project("no-key")
    made = inspect("container", it.forager)
    assert made["HostConfig"]["ReadonlyRootfs"] and not made["EffectiveCaps"]
    assert any("no-new-privileges" in each for each in made["HostConfig"]["SecurityOpt"])
