"""Whose key leaves: policies, classic keys and datasets; and settings from a YAML file with ${env:NAME}."""

from __future__ import annotations

import grpc
import otlp
import pytest
from forager import EXIT_OK, run
from judge.server import OUR_KEY
from sender import METHODS

KEYS = ["hcaik_" + (name * 60)[:58] for name in ("one0", "two0", "three0")]
CLASSIC = "0123456789abcdef" * 2
ENDED = 5  # spans per request


def keyed(world, key: str, signal: str = "traces", dataset: str = "", **words):
    headers = {"x-honeycomb-team": key} if key else {}
    if dataset:
        headers["x-honeycomb-dataset"] = dataset
    return world.sender().post(signal, otlp.BUILDERS[signal](ENDED, **words), headers=headers)


def delivered_under(world) -> dict[str, set[str]]:
    """The services whose spans came, by key."""
    out: dict[str, set[str]] = {}
    for each in world.judge.events("span"):
        out.setdefault(each.key, set()).add(each.data["service.name"])
    return out


def test_pass_through_never_mixes_keys(world):
    """Scenario: three apps with keys of their own send at once while the destination is down, so that all waits together.
    Guarantees: each span arrives under its app's key, in no request with another's; Forager's own key is never used."""
    world.judge.keys |= set(KEYS)
    world.foreign_keys.add(OUR_KEY)
    world.judge.down()
    forager = world.start(FORAGER_KEY_POLICY="pass-through")
    for _ in range(10):
        for number, key in enumerate(KEYS):
            assert keyed(world, key, service=f"app{number}").status == 200
    world.judge.up()
    forager.wait_for_book(held=0, delivered=150)
    assert delivered_under(world) == {key: {f"app{number}"} for number, key in enumerate(KEYS)}
    assert len(world.judge.requests) < 30, "what has one key is merged"


def test_pass_through_wants_a_key(world):
    """401 and UNAUTHENTICATED, which no SDK retries, with the fix; booked."""
    forager = world.start(FORAGER_KEY_POLICY="pass-through")
    reply = keyed(world, "")
    assert reply.status == 401 and "FORAGER_KEY_POLICY" in reply.message
    with pytest.raises(grpc.RpcError) as error:
        world.grpc().post("traces", otlp.traces(1))
    assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED
    door = next(each for each in forager.ledger()["door"] if each["signal"] == "traces")
    assert {each["reason"]: each["requests"] for each in door["refused"] if each["requests"]} == {"unauthenticated": 2}
    assert world.judge.requests == []


def test_pass_through_parks_one_bad_key_and_serves_the_others_again(world):
    """Scenario: one app's key is refused, until it is allowed. Guarantees: nothing is lost, and it never goes under another key."""
    good, bad, _ = KEYS
    world.judge.keys.add(good)
    world.foreign_keys.add(OUR_KEY)
    forager = world.start(FORAGER_KEY_POLICY="pass-through", FORAGER_PROBE_INTERVAL="200ms")
    assert keyed(world, bad, service="bad").status == 200
    world.judge.wait_for(lambda judge: judge.keys_seen[bad] > 0, 10, "the bad key")
    world.judge.keys.add(bad)
    assert keyed(world, good, service="good").status == 200
    forager.wait_for_book(held=0, delivered=2 * ENDED)
    assert delivered_under(world) == {good: {"good"}, bad: {"bad"}}


def test_if_missing_uses_ours_only_for_who_has_none(world):
    """An app with a key keeps it, one without gets ours, over both protocols; they are never mixed."""
    world.judge.keys |= set(KEYS)
    world.judge.down()
    forager = world.start(FORAGER_KEY_POLICY="if-missing")
    for _ in range(5):
        assert keyed(world, KEYS[0], service="has its own").status == 200
        assert keyed(world, "", service="has none").status == 200
        body = otlp.traces(ENDED, service="over grpc").SerializeToString()
        call = world.grpc().channel.unary_unary(METHODS["traces"])
        call(body, timeout=10, metadata=[("x-honeycomb-team", KEYS[1])])
        world.acknowledged.add("traces", body)
    world.judge.up()
    forager.wait_for_book(held=0, delivered=15 * ENDED)
    assert delivered_under(world) == {KEYS[0]: {"has its own"}, OUR_KEY: {"has none"}, KEYS[1]: {"over grpc"}}


def test_replace_sends_no_key_and_no_dataset_of_an_app(world):
    """The default: an old, wrong or foreign key of an app is looked at by nobody, nor printed."""
    world.foreign_keys |= {"an old key", KEYS[0]}
    forager = world.start()
    for key in ("an old key", KEYS[0], ""):
        assert keyed(world, key, dataset="theirs").status == 200
    forager.wait_for_book(held=0, delivered=3 * ENDED)
    assert set(delivered_under(world)) == {OUR_KEY}
    assert {request.header("x-honeycomb-dataset") for request in world.judge.requests} == {""}


def test_pass_through_groups_by_dataset_too(world):
    """Logs without a service name go to the dataset that the app's header names."""
    world.judge.keys.add(KEYS[0])
    world.foreign_keys.add(OUR_KEY)
    world.judge.down()
    forager = world.start(FORAGER_KEY_POLICY="pass-through")
    for _ in range(5):
        for dataset in ("red", "blue"):
            assert keyed(world, KEYS[0], "logs", dataset, service="", body=dataset).status == 200
    world.judge.up()
    forager.wait_for_book(signal="logs", held=0, delivered=10 * ENDED)
    events = world.judge.events()
    assert {(each.dataset, each.data["body"]) for each in events} == {("red", "red"), ("blue", "blue")}


def test_a_classic_key_brings_its_dataset(world):
    """PROTOCOLS 2.3: classic keys need x-honeycomb-dataset for traces and metrics; metrics may have their own."""
    world.judge.keys = {CLASSIC}
    world.secrets.add(CLASSIC)
    forager = world.start(HONEYCOMB_API_KEY=CLASSIC, HONEYCOMB_DATASET="all", HONEYCOMB_METRICS_DATASET="numbers")
    for signal, build in otlp.BUILDERS.items():
        assert world.sender().post(signal, build(ENDED, service="" if signal == "logs" else "demo")).status == 200
    forager.wait_settled()
    sent = {request.signal: request.header("x-honeycomb-dataset") for request in world.judge.requests}
    assert sent == {"traces": "all", "metrics": "numbers", "logs": "all"}
    assert all(request.status == 200 for request in world.judge.requests)
    assert {each.dataset for each in world.judge.events()} == {"all", "numbers"}


def test_metrics_have_a_dataset_with_a_key_of_today_too(world):
    """Without it they would be in unknown_metrics; traces go by their service."""
    forager = world.start(HONEYCOMB_METRICS_DATASET="numbers")
    for signal in ("traces", "metrics"):
        assert world.sender().post(signal, otlp.BUILDERS[signal](ENDED)).status == 200
    forager.wait_settled()
    datasets = {(each.kind == "span", each.dataset) for each in world.judge.events()}
    assert datasets == {(True, "demo"), (False, "numbers")}


def test_a_yaml_file_with_the_key_from_the_environment(world, tmp_path):
    """Scenario: FORAGER_CONFIG names a file with ${env:NAME}; the environment overrides it. Guarantees: it delivers so, `check` says
    it is good, `config` names the file as origin and shows no key."""
    file = tmp_path / "forager.yaml"
    file.write_text(
        "honeycomb:\n"
        "  api_key: ${env:TEAM_KEY}\n"
        f"  api_endpoint: {world.judge.url}\n"
        "  metrics_dataset: from the file\n"
        "compression: gzip\n"
        "stop_grace: 2s\n"
    )
    settings = {"FORAGER_CONFIG": str(file), "TEAM_KEY": OUR_KEY, "HONEYCOMB_METRICS_DATASET": "from the environment"}
    forager = world.start(HONEYCOMB_API_KEY="", HONEYCOMB_API_ENDPOINT="", FORAGER_STOP_GRACE="", **settings)
    for signal, build in otlp.BUILDERS.items():
        assert world.sender().post(signal, build(ENDED)).status == 200
    forager.wait_settled()
    assert {request.header("content-encoding") for request in world.judge.requests} == {"gzip"}
    assert {request.header("x-honeycomb-dataset") for request in world.judge.requests if request.signal == "metrics"} == {
        "from the environment"
    }
    assert run("check", **settings).returncode == EXIT_OK
    shown = run("config", **settings).stdout
    assert OUR_KEY not in shown and str(file) in next(line for line in shown.splitlines() if line.startswith("compression"))


@pytest.mark.parametrize("text, words", [("honeycomb:\n  api_keyy: x\n", ["api_keyy", "api_key"]), ("compression: [gzip\n", ["line"])])
def test_a_wrong_yaml_file_is_exit_64_with_the_place(world, tmp_path, text, words):
    """The file, the place and the nearest right name."""
    file = tmp_path / "forager.yaml"
    file.write_text(text)
    forager = world.launch(FORAGER_CONFIG=str(file))
    assert forager.wait() == 64
    for word in [str(file), *words]:
        assert word in forager.output
