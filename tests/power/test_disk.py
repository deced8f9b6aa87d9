"""The model of the disk, without a machine: what is certain, and what a power cut leaves of the rest."""

from __future__ import annotations

import random
import re

import disk
import pytest

FILL = {"before": b"\0", "certain": b"c", "cached": b"x"}


def entry(sector: int, sectors: int, flags: int, data: bytes = b"") -> bytes:
    return disk.ENTRY.pack(sector, sectors, flags, 0).ljust(disk.SECTOR, b"\0") + data


def write_log(path, *entries: bytes):
    path.write_bytes(disk.SUPER_BLOCK.pack(disk.MAGIC, 1, 0, disk.SECTOR).ljust(disk.SECTOR, b"\0") + b"".join(entries))
    return path


def sectors(count: int, of: str) -> bytes:
    return FILL[of] * disk.SECTOR * count


def end(log) -> disk.Cut:
    return disk.Log(log).cut(log.stat().st_size)


@pytest.fixture
def log(tmp_path):
    """Sectors 0 and 1 are flushed; 2 to 65 are written after the flush, one write each; sector 0 too, once more."""
    later = [entry(at, 1, 0, sectors(1, "cached")) for at in range(2, 66)]
    again = entry(0, 1, 0, sectors(1, "cached"))
    return write_log(tmp_path / "log", entry(0, 2, 0, sectors(2, "certain")), entry(0, 0, disk.FLUSH), *later, again)


def left(tmp_path, log, fate: str, seed: int = 1) -> list[str]:
    """For each sector: who wrote it last."""
    before = tmp_path / "before"
    before.write_bytes(sectors(128, "before"))
    after = disk.after_power_cut(before, end(log), fate, random.Random(seed), tmp_path / "after").read_bytes()
    names = {fill: name for name, fill in FILL.items()}
    return [names[after[at : at + 1]] for at in range(0, len(after), disk.SECTOR)]


def test_what_was_flushed_survives_and_nothing_else_is_certain(tmp_path, log):
    assert left(tmp_path, log, "none") == ["certain"] * 2 + ["before"] * 126


def test_all_that_was_written_may_survive(tmp_path, log):
    assert left(tmp_path, log, "all") == ["cached", "certain"] + ["cached"] * 64 + ["before"] * 62


@pytest.mark.parametrize("fate", ["some", "torn"])
def test_any_part_may_survive_and_the_seed_decides(tmp_path, log, fate):
    after = left(tmp_path, log, fate)
    assert 10 < after.count("cached") < 54 and after[1] == "certain"
    assert after == left(tmp_path, log, fate) != left(tmp_path, log, fate, seed=2)


def test_a_write_is_torn_only_between_sectors(tmp_path):
    log = write_log(tmp_path / "log", entry(0, 64, 0, sectors(64, "cached")))
    assert set(left(tmp_path, log, "some")) in ({"before"}, {"before", "cached"})
    torn = left(tmp_path, log, "torn")[:64]
    assert 10 < torn.count("cached") < 54


def test_an_entry_that_was_being_written_is_no_entry(tmp_path, log):
    """The log ends with the power, at any byte."""
    whole = end(log)
    log.write_bytes(log.read_bytes()[:-1])
    assert end(log) == disk.Cut(whole.certain, whole.cached[:-1], whole.flushes)


def test_a_flush_makes_all_before_it_certain(tmp_path, log):
    with log.open("ab") as file:
        file.write(entry(0, 0, disk.FLUSH))
    assert (len(end(log).certain), end(log).cached, end(log).flushes) == (66, [], 2)


def test_the_size_of_the_log_is_a_moment(tmp_path, log):
    first, flush, third, *_ = (each.end for each in disk.Log(log).entries)
    now = [disk.Log(log).cut(size) for size in (0, first - 1, first, flush, third - 1, third)]
    assert [(len(each.certain), len(each.cached)) for each in now] == [(0, 0), (0, 0), (0, 1), (1, 0), (1, 0), (1, 1)]


def test_what_is_written_is_certain_from_the_next_flush_on(tmp_path):
    texts = [b"x <1> y <2>".ljust(disk.SECTOR), b"<1> <3>".ljust(disk.SECTOR)]
    log = write_log(tmp_path / "log", entry(0, 1, 0, texts[0]), entry(0, 0, disk.FLUSH), entry(9, 1, 0, texts[1]))
    assert disk.Log(log).certain_from(re.compile(rb"<(.)>")) == dict.fromkeys("12", disk.Log(log).entries[1].end)
