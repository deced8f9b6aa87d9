"""`forager journal`: what lies on disk, as people and other tools see it, of a stopped Forager and of one that runs."""

from __future__ import annotations

import json
import struct

import otlp
import pytest
from forager import EXIT_FAILURE, EXIT_USAGE, run, wait_until
from google.protobuf.json_format import Parse
from journal_tools import admin, held_records, journal
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

MESSAGES = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}


@pytest.fixture
def held(world):
    """A Forager whose destination is down holds two requests of each signal."""
    world.judge.down()
    forager = world.start(FORAGER_DATA_DIR=str(world.directory / "data"))
    sender = world.sender()
    world.sent = {}
    for name, build in otlp.BUILDERS.items():
        world.sent[name] = [build(3), build(4)]
        for message in world.sent[name]:
            assert sender.post(name, message).status == 200
    forager.wait_for_book(signal="logs", held=7)
    return forager


@pytest.mark.parametrize("stopped", [False, True])
def test_ls_says_what_is_held_and_where(world, held, stopped):
    if stopped:
        held.kill()
    seen = json.loads(journal(world, "ls", "--json"))
    assert seen["held_open_by"] == (None if stopped else held.process.pid)
    [destination] = seen["destinations"]
    assert {name: destination[name] for name in ("name", "records", "items", "traces", "metrics", "logs")} == {
        "name": "honeycomb", "records": 6, "items": 21, "traces": 7, "metrics": 7, "logs": 7,
    }  # fmt: skip
    assert destination["bytes"] == sum(each.ByteSize() for sent in world.sent.values() for each in sent)
    [segment] = seen["segments"]
    assert (segment["records"], segment["held_records"], segment["state"]) == (6, 6, "good")
    text = journal(world, "ls")
    assert "honeycomb" in text and segment["file"] in text
    assert ("open in process" in text) != stopped


@pytest.mark.parametrize("stopped", [False, True])
def test_show_prints_the_very_requests_as_otlp_json(world, held, stopped):
    if stopped:
        held.kill()
    records = [json.loads(line) for line in journal(world, "show", "--json").splitlines()]
    assert [each["held_for"] for each in records] == [{"honeycomb": n} for n in (3, 4) * 3]
    for record in records:
        message = parsed(record["signal"], json.dumps(record["request"]))
        assert message in world.sent[record["signal"]]
    one = records[-1]
    text = journal(world, "show", str(one["position"]))
    assert text.startswith(f"record {one['position']}: 4 log records") and '"severityNumber": 9' in text
    assert len(journal(world, "show", "--json", "--signal", "metrics", "--limit", "1").splitlines()) == 1


def parsed(name: str, text: str):
    """Official classes read the ids of OTLP/JSON as base64, as protobuf's own JSON has them: put in that form first."""
    return Parse(json.dumps(with_base64_ids(json.loads(text))), MESSAGES[name]())


def with_base64_ids(value):
    import base64

    if isinstance(value, list):
        return [with_base64_ids(each) for each in value]
    if not isinstance(value, dict):
        return value
    ids = {"traceId", "spanId", "parentSpanId"}
    return {
        name: base64.b64encode(bytes.fromhex(each)).decode() if name in ids else with_base64_ids(each)
        for name, each in value.items()
    }


def test_export_writes_the_two_formats_of_the_collectors_file_exporter(world, held):
    held.kill()
    journal(world, "export", str(world.directory / "lines"))
    journal(world, "export", str(world.directory / "frames"), "--format", "proto")
    for name, sent in world.sent.items():
        lines = (world.directory / "lines" / f"{name}.jsonl").read_text().splitlines()
        assert [parsed(name, line) for line in lines] == sent
        rest = (world.directory / "frames" / f"{name}.binpb").read_bytes()
        found = []
        while rest:
            [size] = struct.unpack(">I", rest[:4])
            found.append(MESSAGES[name].FromString(rest[4 : 4 + size]))
            rest = rest[4 + size :]
        assert found == sent
    only = world.directory / "only"
    journal(world, "export", str(only), "--signal", "traces", "--destination", "honeycomb")
    assert [each.name for each in only.iterdir()] == ["traces.jsonl"]
    again = journal(world, "export", str(only), code=EXIT_FAILURE)
    assert "is there already" in again
    assert [each.name for each in only.iterdir()] == ["traces.jsonl"]


def test_verify_finds_a_flipped_bit_and_says_what_it_costs(world, held):
    assert "every checksum holds" in journal(world, "verify")
    held.kill()
    assert "every checksum holds" in journal(world, "verify")
    [path] = (world.directory / "data").glob("*.segment")
    raw = bytearray(path.read_bytes())
    span = world.sent["traces"][1].SerializeToString()
    at = raw.find(span)
    assert at > 0
    raw[at + 5] ^= 4
    path.write_bytes(raw)
    seen = json.loads(journal(world, "verify", "--json", code=EXIT_FAILURE))
    [damage] = seen["damage"]
    assert damage["file"] == path.name and damage["offset"] < at < damage["offset"] + damage["bytes"]
    assert "records 2" in damage["meaning"] and seen["lost_items"] == 4
    assert "4 items are lost" in journal(world, "verify", code=EXIT_FAILURE)
    # the next run books exactly that
    world.judge.up()
    forager = world.start(FORAGER_DATA_DIR=str(world.directory / "data"))
    book = forager.wait_for_book(held=0, lost=4)
    assert book["delivered"] == 3


def test_a_running_forager_may_be_looked_at_while_it_works(world):
    """Scenario: segments come and go under load while the tools read.
    Guarantees: no command fails, nothing sound is called damaged, and the books stay right."""
    from load import Load

    forager = world.start(FORAGER_DATA_DIR=str(world.directory / "data"), FORAGER_JOURNAL_BYTES="16MiB")
    with Load(world, forager, spans=50) as load:
        for _ in range(15):
            journal(world, "verify")
            journal(world, "ls")
        load.wait_for_answers(50)
    forager.wait_settled(30)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "needs a command: ls, show"),
        (["lst"], 'unknown command "lst"'),
        (["ls", "all"], 'unexpected "all"'),
        (["ls", "--limit", "3"], "--limit means nothing to forager journal ls"),
        (["show", "first"], "a number from 1 on"),
        (["show", "--signal", "spans"], "write traces, metrics, logs or segments"),
        (["export"], "where to?"),
        (["export", "x", "--format", "xml"], "write json or proto"),
    ],
)
def test_wrong_words_are_answered_with_the_right_ones(world, held, words, says):
    assert says in journal(world, *words, code=EXIT_USAGE)


def test_what_is_not_there_is_said_with_the_fix(world, tmp_path):
    empty = tmp_path / "empty"
    done = run("journal", "ls", "--data-dir", str(empty))
    assert done.returncode == EXIT_FAILURE and "name its directory with --data-dir" in done.stderr
    assert not empty.exists()


def test_a_destination_that_is_not_known_is_answered_with_those_that_are(world, held):
    assert "it knows honeycomb" in journal(world, "show", "--destination", "honeycom", code=EXIT_FAILURE)


@pytest.mark.parametrize("stopped", [False, True])
def test_drop_gives_up_what_is_held_and_books_it(world, held, stopped):
    """Nothing goes without --yes; then it is gone for good, at the running one in its ledger by name."""
    asked = journal(world, "drop", "--destination", "honeycomb", code=EXIT_USAGE)
    assert "6 records with 21 items" in asked and "--yes" in asked
    assert held.book()["held"] == 7
    if stopped:
        held.kill()
    words = ["drop", "--destination", "honeycomb", "--yes", "--json", *admin(held)]
    if not stopped:
        # what was tried at that moment is in flight, and stays
        done = json.loads(journal(world, *words))
        assert done["reason"] == "given_up" and done["items"] + done["in_flight_items"] == 21
        while done["in_flight_items"]:
            done = json.loads(journal(world, *words))
        for signal in otlp.BUILDERS:
            assert held.wait_for_book(signal=signal, held=0, expired=7)["delivered"] == 0
            [reason] = held.book(signal)["reasons"]
            assert (reason["reason"], reason["items"]) == ("given_up", 7)
        held.wait_for_line("gave it up")
        wait_until(lambda: held_records(world) == 0, 5, "the drop on disk")  # settled ranges wait 100 ms for company
        held.kill()
    else:
        done = json.loads(journal(world, *words))
        assert (done["records"], done["items"], done["in_flight_items"]) == (6, 21, 0)
    assert held_records(world) == 0
    assert "every checksum holds" in journal(world, "verify")
    world.judge.up()
    forager = world.start(FORAGER_DATA_DIR=str(world.directory / "data"))
    assert world.sender(forager).post("traces", otlp.traces(2)).status == 200
    forager.wait_for_book(held=0, delivered=2, accepted=2)
    assert world.judge.count("traces") == 2 and world.judge.count("logs") == 0
    world.acknowledged.ids.clear()  # given up on purpose


def test_drop_takes_only_what_came_before_that_time(world, held):
    held.kill()
    done = json.loads(
        journal(world, "drop", "--destination", "honeycomb", "--before", "1h", "--yes", "--json")
    )
    assert done["records"] == 0
    [first, *_] = [json.loads(line) for line in journal(world, "show", "--json").splitlines()]
    assert first["position"] == 1
    assert "write an age as 2h" in journal(
        world, "drop", "--destination", "honeycomb", "--before", "noon", "--yes", code=EXIT_USAGE
    )
    world.judge.up()
    forager = world.start(FORAGER_DATA_DIR=str(world.directory / "data"))
    for signal in otlp.BUILDERS:
        forager.wait_for_book(signal=signal, held=0, delivered=7)


def test_release_ends_a_destination_that_is_not_configured_any_more(world, held):
    """Scenario: honeycomb is taken out of the settings while it holds data.
    Guarantees: Forager warns and keeps it; release ends it, booked by name; a configured one is refused."""
    refused = journal(world, "release", "honeycomb", "--yes", *admin(held), code=EXIT_FAILURE)
    assert "still configured" in refused
    held.kill()
    forager = world.start(FORAGER_DATA_DIR=str(world.directory / "data"), FORAGER_DESTINATIONS="hive")
    forager.wait_for_line("honeycomb is no longer configured")
    assert any("held for honeycomb" in each for each in forager.status()["warnings"])
    done = json.loads(journal(world, "release", "honeycomb", "--yes", "--json", *admin(forager)))
    assert (done["items"], done["reason"]) == (21, "destination_removed")
    assert forager.wait_for_book(held=0, expired=7)["expired"] == 7
    assert not any("held for honeycomb" in each for each in forager.status()["warnings"])
    world.acknowledged.ids.clear()  # given up on purpose


def test_no_web_page_and_no_get_can_give_data_up(world, held):
    from http.client import HTTPConnection

    def ask(method: str, **headers: str) -> int:
        connection = HTTPConnection("127.0.0.1", held.admin_port, timeout=10)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, "/journal/drop?destination=honeycomb", headers=named)
            return connection.getresponse().status
        finally:
            connection.close()

    assert ask("GET") == 405
    assert ask("POST", Origin=f"http://127.0.0.1:{held.admin_port}") == 403
    assert ask("POST", Origin="https://elsewhere.example") == 403
    assert ask("POST", Sec_Fetch_Site="cross-site") == 403
    assert ask("POST", Host="elsewhere.example") == 421
    assert held.book()["held"] == 7


@pytest.mark.parametrize("form", ["json", "proto"])
def test_replay_sends_an_export_to_a_running_forager(world, held, form):
    """Scenario: the data of one Forager is exported, and a second one delivers it.
    Guarantees: the destination gets every item, once."""
    held.kill()
    out = world.directory / "out"
    journal(world, "export", str(out), "--format", form)
    world.judge.up()
    forager = world.start(FORAGER_DATA_DIR=str(world.directory / "other"))
    files = sorted(str(each) for each in out.iterdir())
    to = ["--otlp-http-listen", f"127.0.0.1:{forager.http_port}"]
    said = journal(world, "replay", *files, *to)
    assert said.count("2 requests taken") == 3
    for signal in otlp.BUILDERS:
        forager.wait_for_book(signal=signal, held=0, delivered=7)
    assert not world.missing() and world.judge.repeats == 0


def test_replay_says_where_a_file_is_broken(world, held):
    out = world.directory / "out"
    journal(world, "export", str(out), "--format", "proto", "--signal", "traces")
    path = out / "traces.binpb"
    path.write_bytes(path.read_bytes()[:-3])
    world.judge.up()
    to = ["--otlp-http-listen", f"127.0.0.1:{held.http_port}"]
    assert "traces.binpb, request 2: the file ends" in journal(world, "replay", str(path), *to, code=EXIT_FAILURE)
    held.wait_for_book(held=0, delivered=10)
