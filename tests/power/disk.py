"""The machine's disk, and what is on it after the power was cut.

qemu keeps a log of all writes and flushes of the guest (its blklogwrites driver). A prefix of it is a moment in which the power can
be cut. Like a real disk with a cache, only what was written before the last completed flush is certain then; of what came later,
any sector may have reached the platter or not.
"""

from __future__ import annotations

import bisect
import random
import re
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kernel import program

SECTOR = 512
# dm-log-writes, as in the kernel's Documentation/admin-guide/device-mapper/log-writes.rst: little-endian
SUPER_BLOCK = struct.Struct("<QQQI")  # magic, version, entries, sector size
ENTRY = struct.Struct("<QQQQ")  # sector, sectors, flags, and for marks a length; the written sectors follow
MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8

# What becomes of the writes after the last flush: of `some`, each whole write by chance, of `torn` each sector
FATES = ("none", "all", "some", "torn")


def make(to: Path, size: int) -> Path:
    """An empty ext4 file system."""
    with to.open("wb") as file:
        file.truncate(size)
    now = "lazy_itable_init=0,lazy_journal_init=0"  # nothing is left for a kernel thread to write later
    subprocess.run([program("mkfs.ext4"), "-q", "-F", "-E", now, str(to)], check=True)
    return to


def copy(source: Path, to: Path) -> Path:
    """Its holes stay holes."""
    subprocess.run(["cp", "--sparse=always", str(source), str(to)], check=True)
    return to


@dataclass(frozen=True)
class Write:
    offset: int  # in bytes, on the disk
    data: bytes


@dataclass(frozen=True)
class Entry:
    end: int  # where it ends in the log
    flush: bool
    write: Write | None


@dataclass(frozen=True)
class Cut:
    """One moment of the log."""

    certain: list[Write]  # before the last flush, in the order in which they were completed
    cached: list[Write]  # after it
    flushes: int


class Log:
    def __init__(self, file: Path) -> None:
        self.entries = list(_entries(file))
        self._ends = [each.end for each in self.entries]

    def cut(self, size: int) -> Cut:
        """The moment in which the log had this size."""
        past = self.entries[: bisect.bisect_right(self._ends, size)]
        flushes = [number for number, each in enumerate(past) if each.flush]
        last = flushes[-1] + 1 if flushes else 0
        certain, cached = ([each.write for each in part if each.write] for part in (past[:last], past[last:]))
        return Cut(certain, cached, len(flushes))

    def certain_from(self, marker: re.Pattern[bytes]) -> dict[str, int]:
        """For each text that the marker's group finds in what was written: the size of the log from which on it was certain."""
        found: dict[str, int] = {}
        pending: set[str] = set()
        for each in self.entries:
            if each.write:
                pending |= {text.decode() for text in marker.findall(each.write.data)} - found.keys()
            if each.flush:
                found |= dict.fromkeys(pending, each.end)
                pending.clear()
        return found


def _entries(log: Path) -> Iterator[Entry]:
    """Up to the first that isn't whole: the power was cut while it was written."""
    with log.open("rb") as file:
        head = file.read(SECTOR)  # qemu writes it with the first flush
        magic, version, _, size = SUPER_BLOCK.unpack_from(head)
        assert (magic, version, size) == (MAGIC, 1, SECTOR) or not any(head), "not a log of writes"
        while len(head := file.read(SECTOR)) == SECTOR:
            sector, sectors, flags, _ = ENTRY.unpack_from(head)
            assert not flags & (FUA | DISCARD | MARK), "the guest's disk offers none of these"
            if not flags and not sectors:
                return
            data = file.read(sectors * SECTOR)
            if len(data) < sectors * SECTOR:
                return
            yield Entry(file.tell(), bool(flags & FLUSH), Write(sector * SECTOR, data) if sectors else None)


def after_power_cut(before: Path, cut: Cut, fate: str, chance: random.Random, to: Path) -> Path:
    """The disk as the next boot finds it: `before`, the certain writes, and of the cached ones what `fate` leaves."""
    copy(before, to)
    with to.open("r+b") as file:
        for write in cut.certain + list(_survivors(cut.cached, fate, chance)):
            file.seek(write.offset)
            file.write(write.data)
    return to


def _survivors(cached: list[Write], fate: str, chance: random.Random) -> Iterator[Write]:
    for write in cached:
        if fate == "all" or (fate == "some" and chance.random() < 0.5):
            yield write
        if fate != "torn":
            continue
        for at in range(0, len(write.data), SECTOR):
            if chance.random() < 0.5:
                yield Write(write.offset + at, write.data[at : at + SECTOR])
