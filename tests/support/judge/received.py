"""One request to a signal's path: as it came, as it decodes, and what became of it."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from judge import decode
from judge.decode import Refusal
from judge.events import Event, events_of
from judge.items import PATHS, REQUESTS, Item, items_of, rebuild

if TYPE_CHECKING:
    from judge.server import Judge


@dataclass(eq=False)
class Received:
    """One request to /v1/..., as it came and what became of it. `status` 0: the connection was cut instead of an answer."""

    judge: Judge
    number: int
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    peer: tuple[str, int]
    at: float = field(default_factory=time.monotonic)
    answered: float = 0.0  # time.monotonic() just before the answer is written; what is stored was stored until then
    status: int = 0
    stored: bool = False
    error: str = ""
    rejected: int = 0
    rejected_message: str = ""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def key(self) -> str:
        return self.header("x-honeycomb-team")

    @property
    def signal(self) -> str:
        return PATHS[self.path]

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @cached_property
    def plain(self) -> bytes:
        """The uncompressed body. Refusal: 400."""
        return decode.uncompress(self.signal, self.header("content-encoding"), self.body)

    @cached_property
    def message(self) -> Message:
        return decode.parse(self.signal, self.header("content-type"), self.plain)

    @cached_property
    def items(self) -> list[Item]:
        """Empty when it can't be decoded."""
        try:
            is_json = self.header("content-type") == "application/json"
            body = self.message.SerializeToString() if is_json else self.plain
            self.message  # noqa: B018 - what protobuf's own parser refuses has no items
            return list(items_of(self.signal, body))
        except (Refusal, ValueError, IndexError):
            return []

    @property
    def stored_items(self) -> list[Item]:
        return self.items[self.rejected :] if self.stored else []

    def events(self) -> list[Event]:
        if not self.stored:
            return []
        message = self.message
        if self.rejected:
            message = REQUESTS[self.signal].FromString(rebuild(self.stored_items))
        return list(events_of(self.signal, message, self.key, self.header("x-honeycomb-dataset")))

    def reject(self, count: int, message: str) -> None:
        self.rejected, self.rejected_message = min(count, len(self.items)), message
