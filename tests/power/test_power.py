"""The power is cut while apps send: not the process but the machine ends, with all that is in its memory and in its disk's cache.
A small machine (guest-init) runs the real `forager` with its journal on ext4; its disk keeps of each cut what a real one may keep.

FORAGER_POWER_ROUNDS: how many rounds (2); FORAGER_POWER_SEED: the first one's seed (1), to see one of them again.
"""

from __future__ import annotations

import os
import random
import re
import threading
from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path

import disk
import initramfs
import pytest
from forager import binary
from kernel import Kernel, Unprepared, kernel
from machine import Answer, Machine

ROUNDS = int(os.environ.get("FORAGER_POWER_ROUNDS", "2"))
FIRST_SEED = int(os.environ.get("FORAGER_POWER_SEED", "1"))
SEEDS = range(FIRST_SEED, FIRST_SEED + ROUNDS)

DISK_BYTES = 192 << 20
SPANS = 3  # in each request (request.cpp)
MARKER = re.compile(rb"power cut (\d+\.\d+);")  # in each of them (request.cpp)
CONNECTIONS_MOST = 16
SLOW_SINK_MS = 400  # with it, not all of what the first run held is delivered before the second cut
REPEATED_SECONDS = 2  # a cursor is synced with the next commit, after 100 ms if there is none; the machine is slow
SETTINGS = {
    "HOME": "/",
    "HONEYCOMB_API_KEY": "hcaik_" + "power0cut0" * 5 + "power0cu",
    "HONEYCOMB_API_ENDPOINT": "http://127.0.0.1:8080",
    "FORAGER_JOURNAL": "disk",
    "FORAGER_DATA_DIR": "/data/forager",
    "FORAGER_JOURNAL_BYTES": "16MiB",  # segments of 1 MiB: several in a round
    "FORAGER_COMPRESSION": "none",
    "FORAGER_BATCH_BYTES": "96KiB",  # the largest request whole, and several batches
    "FORAGER_RETRY_INITIAL": "100ms",
    "FORAGER_RETRY_MAX": "500ms",
}


@dataclass
class Lab:
    """What every boot needs, and the disk as the last cut has left it."""

    directory: Path
    kernel: Kernel
    initramfs: Path
    disk: Path = field(init=False)
    boots: int = 0

    def __post_init__(self) -> None:
        self.disk = disk.make(self.directory / "empty.img", DISK_BYTES)

    def boot(self, *, load: int, sink: int | None, data: str = "defaults", image: Path | None = None) -> Machine:
        """`load`: connections of apps, 0 for none; `sink`: its delay in ms; `data`: mount options; `image` in place of the disk."""
        self.boots += 1
        copy = disk.copy(image or self.disk, self.directory / f"boot-{self.boots}.img")
        words = {"boot": self.boots, "load": load, "sink": "none" if sink is None else sink, "data": data}
        return Machine(self.kernel, self.initramfs, copy, **words)

    def future(self, cut: disk.Cut, fate: str, chance: random.Random) -> Path:
        """One of the disks that this cut may leave."""
        return disk.after_power_cut(self.disk, cut, fate, chance, self.directory / f"after-{self.boots}-{fate}.img")


@dataclass(frozen=True)
class Loaded:
    """A boot under load and the moment in which its power was cut: the one of an answer."""

    machine: Machine
    log: disk.Log
    answers: list[Answer]  # up to that moment
    cut: disk.Cut

    @property
    def kept(self) -> set[str]:
        return {each.id for each in self.answers}

    @property
    def held(self) -> int:
        """In the newest ledger before the cut."""
        return self.answers[-1].held


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The kernel, and for each build of forager its initramfs."""
    forager = binary()
    if forager is None:
        pytest.fail("no binary: build one, or name it in FORAGER_BIN")
    built = forager.parent / "tests/power"
    guest, nosync = built / "power_guest", built / "forager_nosync"
    if not guest.exists() or not nosync.exists():
        pytest.fail(f"no {guest} or {nosync.name}: ninja -C {forager.parent} power_guest forager_nosync")
    directory = tmp_path_factory.mktemp("machine")
    try:
        core = kernel()
        return core, {
            each.name: initramfs.build(directory / f"{each.name}.cpio", core, each, guest, SETTINGS)
            for each in (forager, nosync)
        }
    except Unprepared as error:
        pytest.fail(str(error))


@pytest.fixture
def lab(programs, tmp_path, request):
    core, archives = programs
    name = getattr(request, "param", None) or binary().name
    yield Lab(tmp_path, core, archives[name])
    for image in tmp_path.glob("*.img"):  # what it said and wrote stays for whoever looks into a failure
        image.unlink()


def load_and_cut(lab: Lab, chance: random.Random, *, sink: int | None = None, data: str = "defaults") -> Loaded:
    """Boots, lets apps send, and cuts the power at a random moment after some hundred answers.

    The machine has run on for a while when it ends. By its log of writes the power could have been cut at any moment before, and
    what was known outside then had to be there. It is cut right after an answer, if possible with something in the disk's cache.
    """
    answers, connections = chance.randrange(100, 400), chance.randrange(2, CONNECTIONS_MOST)
    with lab.boot(load=connections, sink=sink, data=data) as machine:
        machine.wait_for(lambda: machine.book().get("accepted"), 60, "a ledger with something in it")
        answers = max(answers, len(machine.answers))
        machine.wait_for(lambda: len(machine.answers) >= answers + 50, 60, f"{answers} requests were answered")
        threading.Event().wait(chance.uniform(0, 0.3))
    assert not machine.wrong, machine
    log = disk.Log(machine.log)
    moments = range(answers, len(machine.answers))
    sharp = [each for each in moments if log.cut(machine.answers[each].log_bytes).cached]
    last = chance.choice(sharp or moments)
    cut = log.cut(machine.answers[last].log_bytes)
    cached = sum(len(each.data) for each in cut.cached)
    print(
        f"\nboot {lab.boots}: up after {machine.up} s; {last + 1} answered, {machine.answers[last].got} delivered; disk: "
        f"{cut.flushes} flushes, {len(cut.certain)} writes, {len(cut.cached)} ({cached} bytes) in its cache"
    )
    return Loaded(machine, log, machine.answers[: last + 1], cut)


def boot_and_deliver(lab: Lab, image: Path, owed: Set[str]) -> Machine:
    """Boots with that disk and a destination that is up again, until all that is owed has come, or nothing comes any more."""

    def done() -> bool:
        book = machine.book()
        delivered = owed <= machine.got.keys() and book and book["delivered"] == SPANS * len(machine.got)
        return machine.settled() or (delivered and book["held"] == 0)

    with lab.boot(load=0, sink=0, image=image) as machine:
        machine.wait_for(done, 60, "everything was delivered")
    print(f"boot {lab.boots} from {image.stem}: up after {machine.up} s; {len(owed)} owed, {len(machine.got)} delivered")
    return machine


def check_delivered(last: Machine, owed: Set[str], why: str) -> None:
    """Everything owed came; the books of that boot balance and say the same as the sink."""
    missing = owed - last.got.keys()
    assert not missing, f"{why}: {len(missing)} of {len(owed)} are missing: {sorted(missing)[:20]}; {last}"
    assert last.ledgers[-1]["balanced"], last.ledgers[-1]
    book = last.book()
    assert book["recovered"] == book["accepted"] == book["delivered"] == SPANS * len(last.got), (why, book)
    assert last.repeats == 0, f"{why}: {last.repeats} came twice"


def answered_too_soon(loaded: Loaded) -> list[str]:
    """The requests whose 200 was out before their bytes were certain on the disk. Bodies lie in the journal as they came."""
    certain = loaded.log.certain_from(MARKER)
    return [each.id for each in loaded.machine.answers if certain.get(each.id, each.log_bytes + 1) > each.log_bytes]


def check_synced_first(loaded: Loaded) -> None:
    """Not only where the power was cut: each answer of this boot."""
    early = answered_too_soon(loaded)
    assert not early, f"{len(early)} of {len(loaded.machine.answers)} were answered before they were synced: {early[:20]}"


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_answered_200_is_there_after_a_power_cut(lab, seed):
    """Scenario: apps send, the destination is unreachable, the power is cut; then it is up again.
    Guarantees: whatever the disk's cache has lost, each request answered 200 is delivered, once and byte for byte, and the books of
    the next run begin with what the last one held: that, and at most what was being answered."""
    chance = random.Random(seed)
    first = load_and_cut(lab, chance)
    check_synced_first(first)
    for fate in ("none", chance.choice(disk.FATES[1:])):
        last = boot_and_deliver(lab, lab.future(first.cut, fate, chance), first.kept)
        check_delivered(last, first.kept, fate)
        assert last.book()["recovered"] >= first.held > 0
        unanswered = last.got.keys() - first.machine.kept()
        assert len(unanswered) <= CONNECTIONS_MOST, f"{fate}: {sorted(unanswered)} came and were not answered"


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_one_power_cut_after_the_other_loses_nothing_and_repeats_little(lab, seed):
    """Scenario: the same, but apps send again at once after the first cut, while the first run's data is being delivered to a slow
    destination, and the power is cut once more.
    Guarantees: each request of both runs is delivered; what is delivered in two runs came to the sink just before the cut."""
    chance = random.Random(f"again {seed}")
    first = load_and_cut(lab, chance)
    lab.disk = lab.future(first.cut, chance.choice(disk.FATES), chance)
    second = load_and_cut(lab, chance, sink=SLOW_SINK_MS)
    fate = chance.choice(disk.FATES)
    check_synced_first(second)
    owed = (first.kept | second.kept) - second.machine.got.keys()
    last = boot_and_deliver(lab, lab.future(second.cut, fate, chance), owed)
    check_delivered(last, owed, fate)
    long_since = second.answers[-1].at - REPEATED_SECONDS
    again = [each for each, at in second.machine.got.items() if at < long_since and each in last.got]
    assert not again, f"{fate}: {len(again)} came again, though their cursor had time to be synced: {sorted(again)[:20]}"


@pytest.mark.slow
@pytest.mark.parametrize("lab", ["forager_nosync"], indirect=True)
def test_a_forager_that_does_not_sync_is_caught(lab):
    """The counter-proof: the same code with an fdatasync that does nothing. Even if all that came to the disk's cache stays, what
    was answered 200 is missing; so the tests above can fail."""
    chance = random.Random(1)
    first = load_and_cut(lab, chance)
    assert len(answered_too_soon(first)) > len(first.kept) / 2
    last = boot_and_deliver(lab, lab.future(first.cut, "all", chance), first.kept)
    missing = first.kept - last.got.keys()
    assert len(missing) > len(first.kept) / 2, f"only {len(missing)} of {len(first.kept)} are missing"


@pytest.mark.slow
def test_a_machine_that_does_not_flush_its_disk_is_caught(lab):
    """The counter-proof for the disk: without ext4's barriers everything is written and nothing flushed. It survives if the disk
    kept it, and it is missing if it didn't; so a cut does take what is only in the disk's cache."""
    chance = random.Random(1)
    first = load_and_cut(lab, chance, data="nobarrier")
    assert len(answered_too_soon(first)) > len(first.kept) / 2
    check_delivered(boot_and_deliver(lab, lab.future(first.cut, "all", chance), first.kept), first.kept, "all")
    last = boot_and_deliver(lab, lab.future(first.cut, "none", chance), first.kept)
    assert len(first.kept - last.got.keys()) > len(first.kept) / 2
