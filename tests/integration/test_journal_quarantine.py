"""`forager journal ... --quarantined`: what a destination refuses outlives Forager, is looked at, sent again, given up."""

from __future__ import annotations

import json

import otlp
import pytest
from forager import EXIT_FAILURE, EXIT_USAGE, wait_until
from journal_tools import admin, held_records, journal


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_quarantined_items_can_be_looked_at_taken_out_and_replayed(world, signal):
    """Scenario: a destination refuses one item of five; a person looks at it, the destination is mended, the item is replayed.
    Guarantees: it is shown with the destination's words, and arrives in the end."""
    from judge import faults

    fault = world.judge.faults.add(faults.Poison(needle="poison"))
    forager = world.start(FORAGER_DATA_DIR=str(world.directory / "data"))
    sender = world.sender()
    assert sender.post(signal, otlp.BUILDERS[signal](3)).status == 200
    message = otlp.BUILDERS[signal](5)
    if signal == "traces":
        message.resource_spans[0].scope_spans[0].spans[2].name = "poison \"request\":{"
    else:
        message.resource_logs[0].scope_logs[0].log_records[2].body.string_value = "poison \"request\":{"
    assert sender.post(signal, message).status == 200
    forager.wait_for_book(signal=signal, held=0, quarantined=1, delivered=7)
    [line] = journal(world, "show", "--quarantined", "--json", *admin(forager)).splitlines()
    entry = json.loads(line)
    assert (entry["destination"], entry["signal"], entry["items"]) == ("honeycomb", signal, 1)
    assert "400" in entry["why"] and "poison" in json.dumps(entry["request"])
    other = "metrics" if signal == "traces" else "traces"
    assert "Nothing" in journal(world, "show", "--quarantined", "--signal", other, *admin(forager))
    out = world.directory / "out"
    journal(world, "export", str(out), "--quarantined", *admin(forager))
    [path] = out.iterdir()
    assert path.name == f"{signal}.jsonl" and json.loads(path.read_text()) == entry["request"]
    world.judge.faults.remove(fault)
    journal(world, "replay", str(path), "--otlp-http-listen", f"127.0.0.1:{forager.http_port}")
    forager.wait_for_book(signal=signal, held=0, quarantined=1, delivered=8)
    assert not world.missing() and world.judge.repeats == 0


def poisoned(signal: str, items: int, poisons: int, word: str = "poison"):
    """A request of which the first `poisons` items have the word that the judge refuses."""
    message = otlp.BUILDERS[signal](items)
    if signal == "traces":
        for span in message.resource_spans[0].scope_spans[0].spans[:poisons]:
            span.name = f"{word} {span.name}"
    else:
        for record in message.resource_logs[0].scope_logs[0].log_records[:poisons]:
            record.body.string_value = f"{word} {record.body.string_value}"
    return message


def quarantined(world, *words: str) -> list[dict]:
    return [json.loads(line) for line in journal(world, "show", "--quarantined", "--json", *words).splitlines()]


@pytest.fixture
def refused(world):
    """A Forager whose destination has refused two spans of five and one log record of four, all durable."""
    from judge import faults

    world.fault = world.judge.faults.add(faults.Poison(needle="poison"))
    forager = world.start(FORAGER_DATA_DIR=str(world.directory / "data"))
    sender = world.sender()
    assert sender.post("traces", otlp.traces(2)).status == 200
    assert sender.post("traces", poisoned("traces", 5, 2)).status == 200
    assert sender.post("logs", poisoned("logs", 4, 1)).status == 200
    forager.wait_for_book(signal="traces", held=0, quarantined=2, delivered=5)
    forager.wait_for_book(signal="logs", held=0, quarantined=1, delivered=3)
    # asked of the directory: what the next start would find
    wait_until(lambda: len(quarantined(world, "--admin-listen", "off")) == 3, 5, "the three on disk")
    return forager


def test_quarantine_outlives_kill_9_and_is_sent_again_once_the_destination_takes_it(world, refused):
    """Scenario: items are quarantined, Forager is killed, and started again; the destination is mended; a person sends them again.
    Guarantees: they are there all the while, shown the same way, the ledger of each run balances, each arrives once."""
    before = quarantined(world, *admin(refused))
    assert [each["number"] for each in before] == [1, 2, 3]
    assert all("400" in each["why"] and each["reason"] == "refused_alone" for each in before)
    refused.kill()
    assert quarantined(world) == before, "of the stopped one, from its files"
    [honeycomb] = json.loads(journal(world, "ls", "--json"))["destinations"]
    assert honeycomb["quarantined"]["items"] == 3 and honeycomb["records"] == 0
    assert "in quarantine" in journal(world, "ls")
    assert "every checksum holds" in journal(world, "verify")

    forager = world.start(FORAGER_DATA_DIR=str(world.directory / "data"))
    for signal, items in {"traces": 2, "logs": 1}.items():
        book = forager.wait_for_book(signal=signal, held=0, quarantined=items)
        assert book["accepted"] == book["recovered"] == items
    assert forager.ledger()["balanced"]
    shown = forager.status()
    assert sorted(each["number"] for each in shown["quarantined"]) == [1, 2, 3]
    assert shown["destinations"][0]["quarantined_items"] == 3
    assert quarantined(world, *admin(forager)) == before
    out = world.directory / "out"
    journal(world, "export", str(out), "--quarantined", "--signal", "logs", *admin(forager))
    assert json.loads((out / "logs.jsonl").read_text()) == before[-1]["request"]

    # still poison: they come back, under new numbers
    done = json.loads(journal(world, "replay", "--quarantined", "1", "--json", *admin(forager)))
    assert (done["entries"], done["items"]) == (1, 1)
    forager.wait_for_book(signal="traces", held=0, quarantined=2)
    wait_until(lambda: [each["number"] for each in quarantined(world, *admin(forager))] == [2, 3, 4], 5, "the new number")
    assert forager.ledger()["balanced"]

    world.judge.faults.remove(world.fault)
    unknown = journal(world, "replay", "--quarantined", "1", "17", *admin(forager), code=EXIT_FAILURE)
    assert "2 of the numbers are not in quarantine" in unknown
    wait_until(lambda: len(quarantined(world, "--admin-listen", "off")) == 3, 5, "all durable")
    assert "3 entries with 3 items are sent again" in journal(
        world, "replay", "--quarantined", "--destination", "honeycomb", *admin(forager)
    )
    forager.wait_for_book(signal="traces", held=0, quarantined=0, delivered=2, accepted=2)
    forager.wait_for_book(signal="logs", held=0, quarantined=0, delivered=1, accepted=1)
    assert forager.ledger()["balanced"] and forager.status()["quarantined"] == []
    metrics = forager.metrics()
    labels = '{destination="honeycomb",signal="traces",reason="refused_alone"}'
    assert metrics[f"forager_quarantine_left_items_total{labels}"] == 3
    assert not world.missing() and world.judge.repeats == 0
    wait_until(lambda: quarantined(world, "--admin-listen", "off") == [], 5, "none on disk")
    forager.kill()
    last = world.start(FORAGER_DATA_DIR=str(world.directory / "data"))
    last.wait_ready()
    assert last.status()["quarantined"] == []
    assert not world.missing() and world.judge.repeats == 0


def test_quarantine_of_a_stopped_forager_is_sent_again_at_its_next_start(world, refused):
    refused.kill()
    world.judge.faults.remove(world.fault)
    assert "when Forager starts" in journal(world, "replay", "--quarantined", "2", "3")
    assert [each["number"] for each in quarantined(world)] == [1]
    assert held_records(world) == 2
    forager = world.start(FORAGER_DATA_DIR=str(world.directory / "data"))
    forager.wait_for_book(signal="traces", held=0, quarantined=1, delivered=1)
    forager.wait_for_book(signal="logs", held=0, quarantined=0, delivered=1)
    assert world.judge.repeats == 0
    journal(world, "replay", "--quarantined", *admin(forager))
    forager.wait_for_book(signal="traces", held=0, quarantined=0, delivered=2)
    assert not world.missing() and world.judge.repeats == 0


@pytest.mark.parametrize("stopped", [False, True])
def test_drop_gives_up_what_is_in_quarantine(world, refused, stopped):
    asked = journal(world, "drop", "--quarantined", "1", "3", code=EXIT_USAGE)
    assert "2 entries with 2 items" in asked and "--yes" in asked
    assert "leave it out" in journal(world, "drop", "--destination", "honeycomb", "1", "--yes", code=EXIT_USAGE)
    if stopped:
        refused.kill()
    done = json.loads(journal(world, "drop", "--quarantined", "1", "3", "--yes", "--json", *admin(refused)))
    assert (done["entries"], done["items"]) == (2, 2)
    if not stopped:
        refused.wait_for_book(signal="traces", held=0, quarantined=1, expired=1)
        refused.wait_for_book(signal="logs", held=0, quarantined=0, expired=1)
        wait_until(lambda: len(quarantined(world, "--admin-listen", "off")) == 1, 5, "the drop on disk")
        refused.kill()
    assert [each["number"] for each in quarantined(world)] == [2]
    forager = world.start(FORAGER_DATA_DIR=str(world.directory / "data"))
    book = forager.wait_for_book(signal="traces", held=0, quarantined=1)
    assert book["accepted"] == 1
    assert forager.ledger()["balanced"]
    world.acknowledged.ids.clear()  # given up on purpose


def test_release_ends_the_quarantine_of_a_removed_destination_and_its_name(world, refused):
    refused.kill()
    forager = world.start(FORAGER_DATA_DIR=str(world.directory / "data"), FORAGER_DESTINATIONS="hive")
    forager.wait_for_book(signal="traces", quarantined=2)
    stays = journal(world, "replay", "--quarantined", *admin(forager), code=EXIT_FAILURE)
    assert "3 entries stay: their destination is not configured" in stays
    done = json.loads(journal(world, "release", "honeycomb", "--yes", "--json", *admin(forager)))
    assert (done["quarantined_items"], done["items"]) == (3, 0)
    wait_until(lambda: names(world) == ["hive"], 5, "its name gone from disk")
    assert forager.ledger()["balanced"]
    forager.kill()
    assert names(world) == ["hive"]
    world.acknowledged.ids.clear()  # given up on purpose


def names(world) -> list[str]:
    return [each["name"] for each in json.loads(journal(world, "ls", "--json"))["destinations"]]
