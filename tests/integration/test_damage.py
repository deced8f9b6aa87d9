"""The data directory isn't as it was left: in use, not writable, newer, cut off, a bit flipped. It starts, and what is missing is named."""

from __future__ import annotations

import os
import re
import stat
import struct
from pathlib import Path

import otlp
import pytest
from forager import EXIT_OK, EXIT_UNAVAILABLE, Forager, wait_until
from killing import wait_recovered
from world import World

SEGMENT_VERSION, HEADER_CRC = 8, 92  # docs/journal-format.md


def crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


class Held:
    """A journal of several segments, each record one span of 50 kB, all held, left by kill -9."""

    def __init__(self, world: World, records: int = 16) -> None:
        self.world = world
        self.directory = Path(world.directory / "data")
        self.settings = {"FORAGER_DATA_DIR": str(self.directory), "FORAGER_JOURNAL_BYTES": "4MiB"}
        world.judge.down()
        forager = world.start(**self.settings)
        sender = world.sender()
        self.records = records
        for number in range(records):
            assert sender.post("traces", otlp.traces(1, name=f"record {number}", padding=f"<{number}>" + "x" * 50_000)).status == 200
        forager.kill()
        self.segments = sorted(self.directory.glob("*.segment"))
        assert len(self.segments) >= 3

    def numbers_in(self, segment: Path) -> list[int]:
        return [int(each) for each in re.findall(rb"<(\d+)>x", segment.read_bytes())]

    def start_again(self) -> Forager:
        """With the destination well, until all that can be read was delivered."""
        self.world.judge.up()
        forager = self.world.start(**self.settings)
        wait_recovered(forager)
        forager.wait_settled()
        return forager

    def arrived(self) -> set[int]:
        return {int(each.data["name"].split()[1]) for each in self.world.judge.events("span")}

    def check(self, forager: Forager, gone: set[int]) -> None:
        """Exactly those are gone, the books have them as lost, the log says between which positions; the rest came, and new
        requests are taken and delivered."""
        assert self.arrived() == set(range(self.records)) - gone
        book = forager.book()
        assert (book["recovered"], book["lost"], book["held"]) == (self.records, len(gone), 0), book
        if gone:
            [reason] = [each for each in book["reasons"] if each["state"] == "lost"]
            assert reason["reason"] == "disk_unreadable", reason
            lines = forager.wait_for_line(r"booked as lost")
            positions = re.search(r"(\d+) records between positions (\d+) and (\d+)", lines[0].text)
            first, last = int(positions.group(2)), int(positions.group(3))
            assert first <= min(gone) + 1 <= max(gone) + 1 <= last, (lines[0].text, gone)
        assert self.world.sender(forager).post("traces", otlp.traces(1, name="record 999")).status == 200
        forager.wait_settled()
        assert 999 in self.arrived()
        self.world.check_books(forager)
        assert forager.terminate() == EXIT_OK
        # and that was it: the next run finds nothing more and loses nothing more
        again = self.world.start(**self.settings)
        wait_recovered(again)
        book = again.book()
        assert (book.get("recovered", 0), book.get("lost", 0)) == (0, 0), book
        assert self.world.judge.repeats == 0


def test_a_flipped_bit_costs_one_record(world):
    """In the middle of a body that is held, in the middle of a segment."""
    held = Held(world)
    victim = held.segments[1]
    number = held.numbers_in(victim)[1]
    data = bytearray(victim.read_bytes())
    data[data.index(b"<%d>x" % number) + 1000] ^= 0x10
    victim.write_bytes(data)
    held.check(held.start_again(), {number})


def test_a_segment_that_was_cut_off_costs_what_was_behind_the_cut(world):
    """A file that isn't the last one ends in the middle of a record."""
    held = Held(world)
    victim = held.segments[1]
    numbers = held.numbers_in(victim)
    data = victim.read_bytes()
    victim.write_bytes(data[: data.index(b"<%d>x" % numbers[1]) + 1000])
    held.check(held.start_again(), set(numbers[1:]))


def test_a_damaged_header_costs_nothing(world):
    """The frames are whole, and each has a checksum of its own."""
    held = Held(world)
    data = bytearray(held.segments[1].read_bytes())
    data[40] ^= 0xFF
    held.segments[1].write_bytes(data)
    held.check(held.start_again(), set())


def test_nothing_in_a_file_crashes_it(world):
    """Scenario: one segment is random bytes, one is empty, one has a name and a mark but nonsense behind it, and there are files that
    are none of ours. Guarantees: it starts and delivers what the other segments hold."""
    held = Held(world)
    keep = set(range(16)) - set(held.numbers_in(held.segments[1])) - set(held.numbers_in(held.segments[2]))
    held.segments[1].write_bytes(os.urandom(300_000))
    held.segments[2].write_bytes(b"")
    (held.directory / "ffffffff.segment").write_bytes(b"no name of ours")
    (held.directory / "0000000000000000.segment").write_bytes(b"FORAGER\n" + b"\xff" * 200)
    (held.directory / "README").write_text("mine")
    forager = held.start_again()
    assert held.arrived() >= keep
    assert (held.directory / "README").read_text() == "mine"
    world.check_books(forager)
    assert forager.terminate() == EXIT_OK


def test_a_segment_of_a_newer_version_is_kept_aside_untouched(world):
    """Somebody went back a version: what the newer one wrote waits for it, the rest is delivered."""
    held = Held(world)
    victim = held.segments[1]
    newer = set(held.numbers_in(victim))
    data = bytearray(victim.read_bytes())
    struct.pack_into("<I", data, SEGMENT_VERSION, 99)
    struct.pack_into("<I", data, HEADER_CRC, crc32c(bytes(data[:HEADER_CRC])))
    victim.write_bytes(data)
    forager = held.start_again()
    forager.wait_for_line(rf"{victim.name} was written by a newer Forager")
    assert held.arrived() == set(range(16)) - newer
    assert world.sender(forager).post("traces", otlp.traces(1, name="record 999")).status == 200
    forager.wait_settled()
    world.check_books(forager)
    assert forager.terminate() == EXIT_OK
    assert victim.read_bytes() == data


def test_a_second_process_on_the_directory_is_refused_with_the_first_ones_pid(world, tmp_path):
    """Two of them would destroy each other's data. The first one isn't disturbed."""
    settings = {"FORAGER_DATA_DIR": str(tmp_path / "data")}
    first = world.start(**settings)
    second = world.launch(**settings)
    assert second.wait() == EXIT_UNAVAILABLE, second.output
    assert f"process {first.process.pid}" in second.output and "FORAGER_DATA_DIR" in second.output
    assert str(tmp_path / "data") in second.output
    assert world.sender(first).post("traces", otlp.traces(1)).status == 200
    first.wait_settled()
    first.kill()
    third = world.start(**settings)  # a lock is no file that stays behind
    assert world.sender(third).post("traces", otlp.traces(1)).status == 200
    third.wait_settled()


@pytest.fixture
def forbidden(tmp_path):
    """A directory that can't be written, for root too."""
    if os.geteuid():
        tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
        yield tmp_path / "data"
        tmp_path.chmod(stat.S_IRWXU)
    else:
        yield Path("/proc/forager/data")


def test_a_directory_that_cant_be_written_is_said_at_the_start(world, forbidden):
    """FORAGER_JOURNAL=disk: it doesn't start. Not asked for: memory, and the start says so, with the reason."""
    refused = world.launch(FORAGER_DATA_DIR=str(forbidden), FORAGER_JOURNAL="disk")
    assert refused.wait() == EXIT_UNAVAILABLE, refused.output
    assert str(forbidden) in refused.output and "can't" in refused.output
    forager = world.start(FORAGER_DATA_DIR=str(forbidden))
    assert re.search(rf"no disk journal: can't .*{re.escape(str(forbidden))}", forager.output), forager.output
    assert "keeping data in memory" in forager.output
    assert forager.status()["journal"]["kind"] == "memory"
    assert world.sender(forager).post("traces", otlp.traces(1)).status == 200
    forager.wait_settled()


def test_files_of_the_journal_are_nobody_elses(world):
    """Telemetry may hold personal data: 0700 and 0600."""
    held = Held(world)
    assert stat.S_IMODE(held.directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in held.directory.iterdir()} == {0o600}
    forager = held.start_again()
    wait_until(lambda: len(list(held.directory.glob("*.segment"))) <= 2, 10, "old segments to go")
    assert forager.book()["delivered"] == 16
