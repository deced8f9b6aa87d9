"""The judge itself: state, conditions to wait for, and the decision about each request. judge/http.py has the sockets."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from judge import decode
from judge.decode import Refusal
from judge.events import Event, require_dataset
from judge.faults import Drop, Fault, Slow
from judge.http import Listener, Reply
from judge.items import REJECTED_FIELD, RESPONSES, SIGNALS, Item
from judge.received import Received
from judge.tls import Authority

# Shaped like an ingest key of an E&S environment (PROTOCOLS 2.4); opens nothing anywhere.
OUR_KEY = "hcaik_" + "judge0test" * 5 + "judge0te"


class Faults:
    """The faults in force, in order. Any thread."""

    def __init__(self, changed: threading.Condition) -> None:
        self._changed, self._all = changed, []

    def add(self, fault: Fault) -> Fault:
        with self._changed:
            self._all.append(fault)
            self._changed.notify_all()
        return fault

    def remove(self, fault: Fault) -> None:
        with self._changed:
            self._all = [each for each in self._all if each is not fault]
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._all = []
            self._changed.notify_all()

    def __contains__(self, fault: Fault) -> bool:
        return any(each is fault for each in self._all)

    def __iter__(self):
        return iter(list(self._all))

    def claim(self, received: Received) -> list[Fault]:
        """Those that meet this request: the leading `slow` ones and the first other."""
        received.items  # noqa: B018 - decoded before the lock is taken
        out = []
        with self._changed:
            for fault in self._all:
                if fault.meets(received):
                    fault.hits += 1
                    out.append(fault)
                    if not isinstance(fault, Slow):
                        break
        return out


class Judge:
    """`keys`: those that are accepted (empty: any). `tls=False` speaks plain HTTP. `port` 0: the system's choice.
    `asks_for_certificates`: clients must show one that its authority has signed; `leaf_file` is one, with its key."""

    def __init__(
        self, *, keys=(OUR_KEY,), port: int = 0, tls: bool = True, host: str = "127.0.0.1", asks_for_certificates: bool = False
    ) -> None:
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self.faults = Faults(self._changed)
        self.keys = set(keys)
        self.requests: list[Received] = []
        self.auth_requests: list[list[tuple[str, str]]] = []
        self.keys_seen: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()  # items stored, repeats included, by signal
        self.seen: Counter[str] = Counter()  # how often each item was stored, by its id
        self._different: dict[str, set[str]] = {signal: set() for signal in SIGNALS}
        self.handshake_failures = 0
        self._directory = tempfile.TemporaryDirectory(prefix="judge-")
        authority = Authority(Path(self._directory.name)) if tls else None
        self.ca_file = authority.ca_file if authority else None
        self.client_context = authority.client_context() if authority else None
        self.leaf_file = authority.leaf_file if authority else None
        context = authority.server_context(asks_for_certificates=asks_for_certificates) if authority else None
        self._listener = Listener(self, host, port, context)
        self.port = self._listener.port
        self.url = f"{'https' if tls else 'http'}://{'localhost' if tls else host}:{self.port}"

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        self._listener.close()
        self._directory.cleanup()

    def down(self) -> None:
        """Refuses connections and cuts those that are open. The port stays ours."""
        self._listener.down()

    def up(self) -> None:
        self._listener.up()

    # What it has stored

    def count(self, signal: str) -> int:
        """Different items stored (a repeat counts once)."""
        return len(self._different[signal])

    def items(self, signal: str | None = None) -> list[Item]:
        with self._changed:
            stored = list(self.requests)
        return [item for each in stored if signal in (None, each.signal) for item in each.stored_items]

    def events(self, kind: str | None = None) -> list[Event]:
        with self._changed:
            stored = list(self.requests)
        return [event for each in stored for event in each.events() if kind in (None, event.kind)]

    @property
    def repeats(self) -> int:
        """How many times an item was stored again."""
        with self._changed:
            return sum(self.seen.values()) - len(self.seen)

    def wait_for(self, condition: Callable[[Judge], object], timeout: float = 10, what: str = "") -> None:
        """Until the condition holds, looked at whenever something arrives. AssertionError after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), timeout):
                raise AssertionError(
                    f"the judge waited {timeout} s in vain for {what or 'a condition'}: {self.summary()}"
                )

    def summary(self) -> str:
        statuses = Counter(each.status for each in self.requests)
        return (
            f"{len(self.requests)} requests {dict(statuses)}, stored {dict(self.counts)}, "
            f"{len(self.seen)} different, faults [{', '.join(map(str, self.faults))}], "
            f"{self.handshake_failures} failed handshakes"
        )

    # For faults

    def pause(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def pause_while(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing.is_set() or not condition())

    # For the listener: any thread

    def handshake_failed(self) -> None:
        with self._changed:
            self.handshake_failures += 1
            self._changed.notify_all()

    def auth(self, headers: list[tuple[str, str]]) -> Reply:
        """GET /1/auth (PROTOCOLS 2.8)."""
        key = next((value for name, value in headers if name.lower() == "x-honeycomb-team"), "")
        with self._changed:
            self.auth_requests.append(headers)
            self.keys_seen[key] += 1
            self._changed.notify_all()
        if not key or self.keys and key not in self.keys:
            return Reply.json(401, {"error": "unknown API key - check your credentials"})
        place = {"name": "", "slug": ""} if decode.is_classic(key) else {"name": "Test", "slug": "test"}
        access = dict.fromkeys("markers triggers boards queries columns slos recipients".split(), False) | {
            "events": True,
            "create_datasets": True,
        }
        return Reply.json(
            200,
            {
                "id": key[:9],
                "type": "ingest",
                "api_key_access": access,
                "environment": place,
                "team": {"name": "Judges", "slug": "judges"},
            },
        )

    def receive(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes, peer) -> Reply | None:
        """None: cut the connection."""
        with self._changed:
            received = Received(self, len(self.requests) + 1, method, path, headers, body, peer)
            self.requests.append(received)
            self.keys_seen[received.key] += 1
            self._changed.notify_all()
        try:
            reply = self._decide(received)
        except Drop:
            reply = None
        except Refusal as refusal:
            received.error = refusal.message
            kind, text = decode.error_body(received.header("content-type"), refusal.status, refusal.message)
            reply = Reply(refusal.status, {"Content-Type": kind, **refusal.headers}, text)
        with self._changed:
            received.status = reply.status if reply else 0
            received.answered = time.monotonic()
            self._changed.notify_all()
        return reply

    def _decide(self, received: Received) -> Reply:
        faults = self.faults.claim(received)
        for fault in faults:
            fault.before(received)
        if received.header("content-type") not in decode.CONTENT_TYPES:
            raise Refusal(415, decode.BAD_CONTENT_TYPE)
        if not received.key:
            raise Refusal(401, "missing 'x-honeycomb-team' header")
        if self.keys and received.key not in self.keys:
            raise Refusal(401, "unknown API key - check your credentials")
        require_dataset(received.signal, received.key, received.header("x-honeycomb-dataset"))
        received.message  # noqa: B018 - raises Refusal
        ids = [item.id for item in received.items[received.rejected :]]
        with self._changed:
            received.stored = True
            self.counts[received.signal] += len(ids)
            self.seen.update(ids)
            self._different[received.signal].update(ids)
            self._changed.notify_all()
        for fault in faults:
            fault.reply(received)
        return self._success(received)

    def _success(self, received: Received) -> Reply:
        answer = RESPONSES[received.signal]()
        if received.rejected or received.rejected_message:
            setattr(answer.partial_success, REJECTED_FIELD[received.signal], received.rejected)
            answer.partial_success.error_message = received.rejected_message
        kind = received.header("content-type")
        if kind in decode.PROTOBUF_TYPES:
            return Reply(200, {"Content-Type": kind}, answer.SerializeToString())
        return Reply(200, {"Content-Type": kind}, decode.to_json(answer))
