"""Steady load in the background: apps that send spans at a pace and write down how each request was answered."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPException
from typing import TYPE_CHECKING, Self

import otlp
from sender import Sender

if TYPE_CHECKING:
    from forager import Forager
    from world import World


class Apps:
    """Threads that run as long as the block does; each ends soon after `_stop` is set."""

    def __init__(self, *runs: Callable[[], None]) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in runs]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "an app still waits for its answer"

    def run_for(self, seconds: float) -> None:
        """Lets it run on."""
        self._stop.wait(seconds)


class Load(Apps):
    """`apps` connections, each with a request of `spans` spans every `interval` seconds. As a context it runs inside the block."""

    def __init__(
        self, world: World, forager: Forager, *, apps: int = 2, spans: int = 20, interval: float = 0.02, size: int = 0
    ) -> None:
        self._world, self._port = world, forager.http_port
        self._spans, self._interval, self._padding = spans, interval, "x" * size
        super().__init__(*[self._run] * apps)
        self._changed = threading.Condition()
        self.statuses: Counter[int] = Counter()  # 0: no answer
        self.refusals: list[tuple[int, str]] = []  # status and Retry-After of what wasn't 200
        self.slowest = 0.0  # seconds
        self.errors: list[str] = []

    def _run(self) -> None:
        sender = Sender(self._port, self._world.acknowledged, timeout=20)
        while not self._stop.wait(self._interval):
            message = otlp.traces(self._spans, padding=self._padding)
            start = time.monotonic()
            try:
                reply = sender.post("traces", message)
                status, after = reply.status, reply.headers.get("retry-after", "")
            except (OSError, HTTPException) as error:
                status, after = 0, ""
                self.errors.append(repr(error))
            with self._changed:
                self.statuses[status] += 1
                self.slowest = max(self.slowest, time.monotonic() - start)
                if status != 200:
                    self.refusals.append((status, after))
                self._changed.notify_all()
        sender.close()

    def wait_for_answers(self, count: int, status: int = 200, timeout: float = 30) -> None:
        """Until `count` more requests have been answered with that status."""
        with self._changed:
            wanted = self.statuses[status] + count
            reached = self._changed.wait_for(lambda: self.statuses[status] >= wanted, timeout)
            assert reached, f"no {count} more answers {status} within {timeout} s: {self.statuses}, {self.errors[:3]}"
