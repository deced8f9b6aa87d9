"""kill -9 at random moments under load, again and again on one data directory, and what must be true after each: everything answered
200 is at the judge or still held, what comes twice was under way or settled just before the kill, and the books go on."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crowd import Crowd, Told
from forager import EXIT_OK, wait_until
from judge import faults

if TYPE_CHECKING:
    from forager import Forager
    from world import World

WAYS = ("up", "slow", "flapping", "down")
SETTLE_DELAY = 0.1  # seconds: cursors are synced this often when idle (docs/journal-format.md)
SLACK = 0.1  # seconds between what happens and when this process notices, on a busy machine
CUT = 0.3  # seconds: requests whose answers a judge that goes down may have cut off


def wait_recovered(forager: Forager, timeout: float = 30) -> None:
    """What earlier runs left has been found."""
    wait_until(lambda: not forager.status()["journal"].get("recovering", False), timeout, "the end of recovery")


@dataclass
class Kill:
    at: float  # time.monotonic()
    window: float  # seconds before it whose settled records may have been on their way to the disk
    owed: int  # acknowledged items that the judge did not have
    possible: int = 0  # items that may have been held on disk: the next run may recover so many at most

    def may_repeat(self, came: float, answered: float) -> bool:
        """A request that the judge got and stored at these times: in flight at the kill, or settled and that not synced."""
        return came <= self.at + SLACK and answered >= self.at - self.window


@dataclass
class Report:
    """What the rounds came to."""

    kills: int = 0
    before_ready: int = 0
    sent: int = 0
    acknowledged: int = 0
    sdk_requests: int = 0
    recovered: int = 0
    repeats: int = 0
    most_repeats: int = 0  # after one kill
    most_allowed: int = 0  # the bound of that kill
    windows: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        widest = max(self.windows, default=0)
        return (
            f"{self.kills} kills ({self.before_ready} before it was ready), {self.sent} spans sent, {self.acknowledged} answered 200 "
            f"({self.sdk_requests} requests of the SDK), {self.recovered} recovered, {self.repeats} repeats, at most "
            f"{self.most_repeats} of {self.most_allowed} allowed after one kill, widest window {widest:.2f} s"
        )


class Rounds:
    """`way`: what the destination does meanwhile, of WAYS."""

    def __init__(self, world: World, way: str, seed: int) -> None:
        self.world, self.way = world, way
        self.chance = random.Random(f"{way} {seed}")
        self.told = Told(world.acknowledged)
        self.report = Report()
        self._data = str(world.directory / "data")
        self._kills: list[Kill] = []
        self._cuts: list[float] = []
        if way == "down":
            world.judge.down()
        elif way == "slow":
            world.judge.faults.add(faults.Slow(seconds=0.2))

    def run(self, rounds: int) -> Report:
        for _ in range(rounds):
            if self.chance.random() < 0.25:
                self._kill_at_start()
            else:
                self._kill_under_load()
        self._finish()
        return self.report

    # One round

    def _kill_at_start(self) -> None:
        """Before, while or just after it opens its ports and reads what earlier runs left."""
        forager = self.world.launch(FORAGER_DATA_DIR=self._data)
        threading.Event().wait(self.chance.uniform(0, 0.1))
        self.report.before_ready += 1
        self._kill(forager, 0)

    def _kill_under_load(self) -> None:
        forager = self.world.start(FORAGER_DATA_DIR=self._data)
        stop = threading.Event()
        flapper = threading.Thread(target=self._flap, args=(stop, random.Random(self.chance.random())), daemon=True)
        with Crowd(self.told, forager) as crowd:
            if self.way == "flapping":
                flapper.start()
            crowd.run_for(self.chance.uniform(0.02, 1.4))
            self._look(forager)
            crowd.run_for(self.chance.uniform(0, 0.1))
            stop.set()
            forager.process.kill()
            at = time.monotonic()
        if flapper.ident is not None:
            flapper.join()
            self.world.judge.up()
        assert set(crowd.statuses) <= {200, 0}, crowd.statuses
        self.report.sdk_requests += crowd.exporter.answered
        self._kill(forager, crowd.slowest, at)

    def _flap(self, stop: threading.Event, chance: random.Random) -> None:
        while not stop.wait(chance.uniform(0.05, 0.3)):
            self._cuts.append(time.monotonic())
            self.world.judge.down()
            stop.wait(chance.uniform(0.02, 0.2))
            self.world.judge.up()

    def _kill(self, forager: Forager, slowest: float, at: float = 0) -> None:
        forager.kill()
        at = at or time.monotonic()
        # two commits may lie between a settlement and its durable note: the one under way and the one that brings it
        window = SETTLE_DELAY + SLACK + 2 * slowest
        seen, acknowledged = set(self.world.judge.seen), set(self.world.acknowledged.ids)
        kill = Kill(at, window, len(acknowledged - seen))
        self._kills.append(kill)
        # an answer that was under way at any kill reached nobody: the next process knows nothing of it
        certain = self._stored(lambda came, answered: not (self._was_cut(answered) or any(k.may_repeat(came, answered) for k in self._kills)))
        kill.possible = len(self.told.sent - (seen & certain))
        self.report.kills += 1
        self.report.windows.append(window)

    # What must be true

    def _look(self, forager: Forager) -> None:
        """The books balance; and once recovery is through, what it found is what the last run may have left."""
        through = not forager.status()["journal"].get("recovering", False)
        if len(self.world.foragers) > 1:
            self.world.check_books(forager)
        else:  # its promises can't be held against books that are older than the apps' last answers
            assert forager.ledger()["balanced"]
        recovered = forager.book().get("recovered", 0)
        if not self._kills:
            assert recovered == 0
            return
        last = self._kills[-1]
        assert recovered <= last.possible, f"{recovered} recovered, at most {last.possible} can have been held"
        if through:
            assert recovered >= last.owed, f"{recovered} recovered, but {last.owed} were answered 200 and not delivered"
            self.report.recovered += recovered

    def _stored(self, when: Callable[[float, float], bool]) -> set[str]:
        """Ids that the judge stored in requests that came and were answered at times for which that holds."""
        stored = [each for each in list(self.world.judge.requests) if each.stored]
        return {item.id for each in stored if when(each.at, each.answered or each.at) for item in each.stored_items}

    def _was_cut(self, answered: float) -> bool:
        return any(cut - CUT <= answered <= cut + CUT for cut in self._cuts)

    def check_repeats(self) -> None:
        """Of an item that was stored again, the storing before was cut off, under way at a kill, or settled within its window."""
        times: dict[str, list[tuple[float, float]]] = defaultdict(list)  # of each item: came, answered
        for request in self.world.judge.requests:
            for item in request.stored_items:
                times[item.id].append((request.at, request.answered))
        after = [0] * len(self._kills)
        for name, stored in times.items():
            for (came, answered), (again, _) in zip(stored, stored[1:], strict=False):
                causes = [n for n, kill in enumerate(self._kills) if kill.may_repeat(came, answered) and again >= kill.at]
                for cause in causes[-1:]:
                    after[cause] += 1
                near = [(round(each.at - answered, 3), round(each.window, 3)) for each in self._kills if answered < each.at < again]
                assert causes or self._was_cut(answered), (
                    f"{name} was stored and answered, and {again - answered:.3f} s later came again; kills after it, with their "
                    f"windows, in seconds: {near}"
                )
        for kill, count in zip(self._kills, after, strict=True):
            allowed = len(self._stored(kill.may_repeat))
            assert count <= allowed
            if count >= self.report.most_repeats:
                self.report.most_repeats, self.report.most_allowed = count, allowed
        self.report.repeats = self.world.judge.repeats

    def _finish(self) -> None:
        """The destination is well again: all that was ever answered 200 arrives, and a clean stop leaves nothing."""
        judge = self.world.judge
        judge.faults.clear()
        judge.up()
        forager = self.world.start(FORAGER_DATA_DIR=self._data)
        wait_recovered(forager)
        forager.wait_settled(60)
        self._look(forager)
        missing = self.world.missing()
        assert not missing, f"{len(missing)} spans were answered 200 and never came: {list(missing)[:3]}"
        judge.wait_for(lambda j: all(each.answered for each in j.requests), 10, "the end of requests of killed processes")
        self.check_repeats()
        assert forager.terminate() == EXIT_OK
        requests = len(judge.requests)
        again = self.world.start(FORAGER_DATA_DIR=self._data)
        wait_recovered(again)
        recovered = again.book().get("recovered", 0)
        assert recovered == 0, f"{recovered} items are found again after a clean stop"
        assert len(judge.requests) == requests, "what was delivered before a clean stop was sent again"
        self.report.sent, self.report.acknowledged = len(self.told.sent), len(self.world.acknowledged.ids)
