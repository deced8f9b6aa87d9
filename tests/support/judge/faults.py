"""What the judge can be told to do wrong. A fault is a small object; `judge.faults.add(...)` puts it in force.

`times`: how many requests it meets before it is spent (None: until removed). `when`: a condition on the Received request.
The first fault that meets a request decides, except `slow`, which delays and lets the next one decide.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from judge.decode import Refusal

if TYPE_CHECKING:
    from judge.received import Received


class Drop(Exception):
    """Cut the connection with a reset instead of answering."""


@dataclass(kw_only=True, eq=False)
class Fault:
    times: int | None = None
    when: Callable[[Received], bool] | None = None
    hits: int = 0

    def meets(self, received: Received) -> bool:
        if self.times is not None and self.hits >= self.times:
            return False
        return self.when is None or self.when(received)

    def before(self, received: Received) -> None:
        """Called before anything is stored. Raises Refusal or Drop, or returns to let the request go on."""

    def reply(self, received: Received) -> None:
        """Called when it was stored, before the answer is written."""

    def __str__(self) -> str:
        return f"{type(self).__name__} (met {self.hits})"


@dataclass(kw_only=True, eq=False)
class Slow(Fault):
    """Answers as usual, but after `seconds`."""

    seconds: float

    def before(self, received: Received) -> None:
        received.judge.pause(self.seconds)


@dataclass(kw_only=True, eq=False)
class Hang(Fault):
    """Never answers, until the fault is removed or the judge ends; then the connection is reset."""

    def before(self, received: Received) -> None:
        received.judge.pause_while(lambda: self in received.judge.faults)
        raise Drop


@dataclass(kw_only=True, eq=False)
class Reset(Fault):
    """Resets the connection without having stored anything."""

    def before(self, received: Received) -> None:
        raise Drop


@dataclass(kw_only=True, eq=False)
class Status(Fault):
    """Any status. `retry_after` in seconds is sent as such, or as an HTTP date if `as_date`."""

    code: int
    message: str = "told to"
    retry_after: float | None = None
    as_date: bool = False
    headers: dict[str, str] | None = None

    def before(self, received: Received) -> None:
        headers = dict(self.headers or {})
        if self.retry_after is not None:
            value = (
                formatdate(time.time() + self.retry_after, usegmt=True) if self.as_date else str(int(self.retry_after))
            )
            headers["Retry-After"] = value
        raise Refusal(self.code, self.message, headers)


@dataclass(kw_only=True, eq=False)
class Redirect(Status):
    """3xx to `location`: a good client of OTLP doesn't follow it."""

    code: int = 307
    location: str = "https://127.0.0.1:1/elsewhere"

    def before(self, received: Received) -> None:
        raise Refusal(self.code, "moved", {"Location": self.location})


@dataclass(kw_only=True, eq=False)
class LoseReply(Fault):
    """Stores everything, then cuts the connection without an answer."""

    def reply(self, received: Received) -> None:
        raise Drop


@dataclass(kw_only=True, eq=False)
class WrongKey(Fault):
    """401 for every key but `until`."""

    until: str

    def meets(self, received: Received) -> bool:
        return super().meets(received) and received.key != self.until

    def before(self, received: Received) -> None:
        raise Refusal(401, "unknown API key - check your credentials")


@dataclass(kw_only=True, eq=False)
class Poison(Fault):
    """`code` for a request with an item whose bytes hold `needle`."""

    needle: str | bytes
    code: int = 400

    def meets(self, received: Received) -> bool:
        needle = self.needle.encode() if isinstance(self.needle, str) else self.needle
        return super().meets(received) and any(needle in item.raw for item in received.items)

    def before(self, received: Received) -> None:
        raise Refusal(self.code, "failed to parse OTLP request body: poison")


@dataclass(kw_only=True, eq=False)
class TooLarge(Fault):
    """413 for a body over `bytes`, counted uncompressed."""

    bytes: int

    def meets(self, received: Received) -> bool:
        return super().meets(received) and len(received.plain) > self.bytes

    def before(self, received: Received) -> None:
        raise Refusal(413, "request body is too large")


@dataclass(kw_only=True, eq=False)
class RefuseEncoding(Fault):
    """415 (or `code`) for a Content-Encoding: a destination, or a proxy before it, that doesn't know zstd."""

    encoding: str = "zstd"
    code: int = 415

    def meets(self, received: Received) -> bool:
        return super().meets(received) and received.header("content-encoding") == self.encoding

    def before(self, received: Received) -> None:
        raise Refusal(self.code, "failed to parse OTLP request body: unknown encoding")


@dataclass(kw_only=True, eq=False)
class Some(Fault):
    """`code` for a share of the requests, chosen by a seeded generator."""

    share: float
    code: int = 500
    seed: int = 1

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def meets(self, received: Received) -> bool:
        return super().meets(received) and self._random.random() < self.share

    def before(self, received: Received) -> None:
        raise Refusal(self.code, "bad luck")


@dataclass(kw_only=True, eq=False)
class Partial(Fault):
    """200 with partial_success: the first `rejected` items are not stored. 0 with a message is a warning."""

    rejected: int
    message: str = "some were rejected"

    def before(self, received: Received) -> None:
        received.reject(self.rejected, self.message)


BY_NAME = {
    "slow": Slow,
    "hang": Hang,
    "reset": Reset,
    "status": Status,
    "redirect": Redirect,
    "lose_reply": LoseReply,
    "wrong_key": WrongKey,
    "poison": Poison,
    "too_large": TooLarge,
    "refuse_encoding": RefuseEncoding,
    "some": Some,
    "partial": Partial,
}


def from_json(spec: dict[str, Any]) -> Fault:
    """{"fault": "status", "code": 429, "retry_after": 3, "times": 2}: the control endpoint's words. ValueError says what's wrong."""
    rest = dict(spec)
    name = rest.pop("fault", None)
    if name not in BY_NAME:
        raise ValueError(f"fault {name!r} is none of {', '.join(BY_NAME)}")
    if {"when", "hits"} & rest.keys():
        raise ValueError("'when' and 'hits' can't be given here")
    try:
        return BY_NAME[name](**rest)
    except TypeError as error:
        raise ValueError(str(error)) from error
