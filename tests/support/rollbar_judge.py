"""Rollbar on loopback, as PROTOCOLS 4 has it and no more lenient: every item is held against the schema, 512 KiB and the token; a repeated
uuid is discarded, as there. Everything that came is kept, so a test can look at what would have been stored."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema

TOKEN = "0123456789abcdef0123456789abcdef"
ITEM_BYTES_MAX = 512 * 1024
SCHEMA = json.loads((Path(__file__).parent / "rollbar_schema.json").read_text())
_VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@dataclass
class Call:
    """One POST, whatever became of it."""

    status: int
    size: int
    headers: dict[str, str]
    why: str = ""  # for everything but a stored item
    data: dict[str, Any] = field(default_factory=dict)
    at: float = field(default_factory=time.monotonic)


@dataclass
class Answer:
    """What the next calls are answered with in place of the truth; `when` picks calls by their data."""

    status: int
    message: str = "told to"
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    stored: bool = False  # the item is kept, and the answer says otherwise: a lost reply
    when: Callable[[dict[str, Any]], bool] = lambda data: True


class RollbarJudge:
    """`with RollbarJudge() as judge:` listens at judge.url. `per_window` calls pass in `window` seconds, then 429."""

    def __init__(self, token: str = TOKEN, per_window: int = 0, window: float = 2.0) -> None:
        self.token = token
        self.per_window = per_window
        self.window = window
        self.calls: list[Call] = []
        self.items: list[dict[str, Any]] = []  # `data` of what is stored, in order of arrival
        self.repeats = 0
        self.answers: list[Answer] = []
        self.held = threading.Event()  # cleared: no answer is given
        self.held.set()
        self._seen: set[str] = set()
        self._window_start = 0.0
        self._window_calls = 0
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> RollbarJudge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.held.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    # What came

    def wrong(self) -> list[str]:
        """Why calls were refused for what was in them: must stay empty unless a test wants it."""
        return [call.why for call in self.calls if call.status in (400, 404, 413, 415, 422)]

    def wait_for(self, items: int, timeout: float = 15) -> list[dict[str, Any]]:
        """Until so many items are stored; AssertionError with what came if they aren't."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.items) >= items, timeout):
                came = [(call.status, call.why) for call in self.calls]
                raise AssertionError(f"{len(self.items)} of {items} items came within {timeout} s: {came}")
            return list(self.items)

    def wait_for_calls(self, calls: int, timeout: float = 15) -> list[Call]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.calls) >= calls, timeout), f"only {len(self.calls)} calls came"
            return list(self.calls)

    # The decision

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
        self.held.wait()
        with self._changed:
            status, why, data = self._check(path, headers, body)
            extra: dict[str, str] = {}
            if status == 200 and (answer := self._told(data)):
                status, why, extra = answer.status, answer.message, answer.headers
                if answer.stored:
                    self._store(data)
            elif status == 200:
                status, extra = self._limit()
                if status == 200:
                    self._store(data)
                else:
                    why = "over the limit of calls"
            self.calls.append(Call(status, len(body), headers, why, data))
            self._changed.notify_all()
        if status == 200:
            return status, extra, {"err": 0, "result": {"id": None, "uuid": data.get("uuid", uuid.uuid4().hex)}}
        return status, extra, {"err": 1, "message": why}

    def _check(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, dict[str, Any]]:
        if path != "/api/1/item/":
            return 404, f"no such page: {path}", {}
        token = headers.get("x-rollbar-access-token")
        if token != self.token:
            return (403, "invalid access token", {}) if token else (401, "access token required", {})
        if "content-encoding" in headers:
            return 415, f"compressed as {headers['content-encoding']}", {}
        if headers.get("content-type", "").split(";")[0] != "application/json":
            return 400, f"not JSON but {headers.get('content-type')}", {}
        if len(body) > ITEM_BYTES_MAX:
            return 413, f"{len(body)} bytes are over 512 KiB", {}
        try:
            item = json.loads(body.decode("utf-8"), object_pairs_hook=_no_twins)
        except ValueError as error:
            return 400, f"not JSON: {error}", {}
        for error in _VALIDATOR.iter_errors(item):
            return 422, f"{error.json_path}: {error.message[:300]}", item.get("data", {}) if isinstance(item, dict) else {}
        return 200, "", item["data"]

    def _told(self, data: dict[str, Any]) -> Answer | None:
        for answer in self.answers:
            if answer.times > 0 and answer.when(data):
                answer.times -= 1
                return answer
        return None

    def _limit(self) -> tuple[int, dict[str, str]]:
        if not self.per_window:
            return 200, {}
        now = time.monotonic()
        if now - self._window_start >= self.window:
            self._window_start, self._window_calls = now, 0
        self._window_calls += 1
        left = self._window_start + self.window - now
        headers = {
            "X-Rate-Limit-Limit": str(self.per_window),
            "X-Rate-Limit-Remaining": str(max(0, self.per_window - self._window_calls)),
            "X-Rate-Limit-Reset": str(int(time.time() + left)),
            "X-Rate-Limit-Remaining-Seconds": str(max(1, round(left))),
        }
        return (200 if self._window_calls <= self.per_window else 429), headers

    def _store(self, data: dict[str, Any]) -> None:
        name = data.get("uuid", uuid.uuid4().hex)
        if name in self._seen:
            self.repeats += 1
            return
        self._seen.add(name)
        self.items.append(data)


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object with the same key twice means something else to every reader."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError(f"a key is there twice: {[key for key, _ in pairs]}")
    return made


def _handler(judge: RollbarJudge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/api/1/status/ping":
                self._answer(200, {"Content-Type": "text/plain"}, b"pong")
            else:
                self._answer(404, {}, b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, extra, answer = judge.take(self.path, headers, body)
            self._answer(status, {"Content-Type": "application/json", **extra}, json.dumps(answer).encode())

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except ConnectionError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler
