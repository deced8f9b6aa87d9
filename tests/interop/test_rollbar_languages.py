"""What other languages raise, recorded by their real SDKs as span events and as log records, reaches Rollbar with the frames that the
language itself reports through its own API, not through its text. (Python: tests/integration/test_rollbar.py, beside pyrollbar.)"""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest
from rollbar_judge import TOKEN, RollbarJudge

WAYS = pytest.mark.parametrize("way", ["event", "log"])


@pytest.fixture
def judge():
    with RollbarJudge() as it:
        yield it
        assert not it.wrong(), it.wrong()


@pytest.fixture
def raised(world, judge):
    """Runs one app against a fresh Forager; what it says, and the items by the name of the case, once each."""
    world.secrets.add(TOKEN)

    def raised(command: list[str], cwd, cases: int, **settings: str) -> tuple[str, dict[str, dict]]:
        forager = world.start(ROLLBAR_ACCESS_TOKEN=TOKEN, FORAGER_ROLLBAR_ENDPOINT=judge.url)
        ran = subprocess.run(
            command, cwd=cwd, timeout=120, capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "OTEL_SERVICE_NAME": "raise",
                 "OTEL_EXPORTER_OTLP_ENDPOINT": forager.endpoint, **settings})
        assert ran.returncode == 0, ran.stderr
        items = judge.wait_for(cases)
        assert len(items) == cases and judge.repeats == 0
        return ran.stdout, {case_of(item): item for item in items}

    return raised


def case_of(item: dict) -> str:
    """The span's name, or the log record's body, which is the item's description."""
    [first, *_] = chain_of(item)
    return first["exception"].get("description") or item["context"]


def chain_of(item: dict) -> list[dict]:
    body = item["body"]
    return body["trace_chain"] if "trace_chain" in body else [body["trace"]]


def js_frame(site: dict) -> tuple:
    """A call site as a frame: evaluated code is where it was evaluated, and what has no file is <anonymous>."""
    if site["evaluated"]:
        place = re.search(r"\(([^()]+):(\d+):(\d+)\)$", site["evaluated"])
        assert place, site
        return place[1], int(place[2]), int(place[3])
    if site["filename"] is None:
        return "<anonymous>", None, None
    return site["filename"], site["line"], site["column"]


@WAYS
def test_node(raised, node, way):
    """Scenario: constructors, getters, awaited and evaluated code, V8's own functions, recursion; as a log record with causes.
    Guarantees: classes, messages and every frame (file, line, column, function) as Error.prepareStackTrace is given them."""
    out, items = raised(["node", "raise.mjs", way], node, 7)
    said = json.loads(out)
    assert items.keys() == said.keys()
    for case, chain in said.items():
        item = items[case]
        assert item["language"] == "javascript" and item["level"] == "error"
        assert len(chain_of(item)) == len(chain), case
        for expected, got in zip(chain, chain_of(item), strict=True):
            assert (got["exception"]["class"], got["exception"]["message"]) == (expected["type"], expected["message"])
            sites = expected["frames"][::-1]
            frames = [(each["filename"], each.get("lineno"), each.get("colno")) for each in got["frames"]]
            assert frames == [js_frame(site) for site in sites], (case, expected["text"])
            for site, frame in zip(sites, got["frames"], strict=True):
                method = frame.get("method", "")
                assert method.endswith(site["name"] or ""), (case, site, frame)
                assert method.startswith("new ") == site["constructor"], (case, site, frame)
    assert [len(said[case]) for case in ("awaited", "all")] == ([1, 1] if way == "event" else [2, 2])


@WAYS
def test_java(raised, java, way):
    """Scenario: causes, suppressed ones with causes, streams, reflection, another thread, recursion.
    Guarantees: the chain, and every frame (class, method, file, line) as Throwable.getStackTrace has it, with those that the text leaves
    out because the enclosing trace has them."""
    command = ["java", "-cp", "target/classes:target/dependency/*", "interop.Raise", way]
    out, items = raised(command, java, 7, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf", OTEL_METRICS_EXPORTER="none")
    said: dict[str, list[tuple[str, str, list]]] = {}
    for line in out.splitlines():
        kind, *words = line.split("\t")
        if kind == "throwable":
            said.setdefault(words[0], []).append((words[1], words[2].replace("\\n", "\n"), []))
            frames = said[words[0]][-1][2]
        else:
            frames.insert(0, (words[0], words[1], words[2], int(words[3]) or None))
    assert items.keys() == said.keys()
    for case, chain in said.items():
        got = chain_of(items[case])
        classes = [each[0] for each in chain]
        if way == "event":  # the SDK's attribute is the canonical name; the text has the others' names
            classes[0] = classes[0].replace("$", ".")
        assert [each["exception"]["class"] for each in got] == classes, case
        for expected, trace in zip(chain, got, strict=True):
            assert trace["exception"]["message"] == expected[1], case
            frames = [(each["class_name"], each["method"], each["filename"], each.get("lineno")) for each in trace["frames"]]
            assert frames == expected[2], case
    assert items["caused"]["language"] == "java" and items["caused"]["level"] == "error"
    assert [len(said[case]) for case in ("caused", "suppressed", "reflected", "elsewhere")] == [2, 4, 3, 2]
