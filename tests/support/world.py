"""A judge, any number of Foragers and the apps' promises; at its end the books are checked against what the judge has stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forager import EXIT_LOST, EXIT_OK, NOT_DELIVERED, Forager
from judge import Judge
from judge.server import OUR_KEY
from sender import Acknowledged, GrpcSender, Sender


class World:
    """One test's surroundings. `judge_words` go to Judge()."""

    def __init__(self, directory: Path, **judge_words: Any) -> None:
        self.directory = directory
        self.judge = Judge(**judge_words)
        self.acknowledged = Acknowledged()
        self.foragers: list[Forager] = []
        self.secrets = {OUR_KEY}  # none of them may be seen in any output
        self.foreign_keys: set[str] = set()  # none of them may reach the judge
        self._senders: list[Sender | GrpcSender] = []

    def settings(self, **changes: str) -> dict[str, str]:
        """The environment of a Forager that delivers to the judge and doesn't dawdle."""
        base = {
            "HONEYCOMB_API_KEY": OUR_KEY,
            "HONEYCOMB_API_ENDPOINT": self.judge.url,
            "SSL_CERT_FILE": str(self.judge.ca_file or ""),
            "FORAGER_STOP_QUIET": "50ms",
            "FORAGER_STOP_GRACE": "3s",
            "FORAGER_RETRY_INITIAL": "100ms",
            "FORAGER_RETRY_MAX": "1s",
            "FORAGER_PROBE_INTERVAL": "1s",
        }
        return {name: value for name, value in (base | changes).items() if value}

    def start(self, **changes: str) -> Forager:
        """A Forager, ready. An empty value takes a setting away."""
        it = self.launch(**changes)
        return it.wait_ready()

    def launch(self, **changes: str) -> Forager:
        """The same, but not yet ready, or never."""
        it = Forager(**self.settings(**changes))
        self.foragers.append(it)
        return it

    def sender(self, forager: Forager | None = None, **words: Any) -> Sender:
        port = (forager or self.foragers[-1]).http_port
        it = Sender(port, self.acknowledged, **words)
        self._senders.append(it)
        return it

    def grpc(self, forager: Forager | None = None) -> GrpcSender:
        it = GrpcSender((forager or self.foragers[-1]).grpc_port, self.acknowledged)
        self._senders.append(it)
        return it

    # The check at the end of every test

    def check_books(self, forager: Forager) -> None:
        """The books balance, and the judge has what they call delivered. Of a running Forager."""
        ledger = forager.ledger()  # first: what moves afterwards moves towards the judge
        assert ledger["balanced"], ledger.get("imbalance")
        for door in ledger["door"]:
            refused = sum(each["requests"] for each in door["refused"])
            assert door["offered"]["requests"] == door["accepted"]["requests"] + refused, door
        honeycomb = [each for each in ledger["destinations"] if each["destination"] == "honeycomb"]
        for book in ledger["destinations"]:
            states = sum(book[name] for name in ("delivered", *NOT_DELIVERED))
            assert book["accepted"] == states, book
        for book in honeycomb:
            assert self.judge.counts[book["signal"]] >= book["delivered"], (book, self.judge.summary())
        if honeycomb and len(self.foragers) == 1:
            self.check_promises({each["signal"]: each for each in honeycomb})

    def check_promises(self, books: dict[str, dict[str, int]]) -> None:
        """Every item answered 200 is at the judge, or in one of the states that are not `delivered`."""
        missing = self.missing()
        for signal, book in books.items():
            owed = [each for each in missing.values() if each == signal]
            elsewhere = sum(book[name] for name in NOT_DELIVERED)
            assert len(owed) <= elsewhere, (
                f"{len(owed)} {signal} were answered 200 and are not at the judge, but the books name only "
                f"{elsewhere}: {book}; {self.judge.summary()}"
            )

    def missing(self) -> dict[str, str]:
        """Acknowledged items that the judge hasn't stored."""
        seen = set(self.judge.seen)
        return {each: signal for each, signal in self.acknowledged.ids.items() if each not in seen}

    def check_secrets(self) -> None:
        allowed = {OUR_KEY} | self.judge.keys
        assert set(self.judge.keys_seen) <= allowed, "a key that isn't ours came to the judge"
        for request in self.judge.requests:
            for name, value in request.headers:
                assert not any(key in value for key in self.foreign_keys), f"header {name} has a key of an app"
        for forager in self.foragers:
            for secret in self.secrets | self.foreign_keys | self.judge.keys:
                assert secret not in forager.output, "a secret was printed"

    def close(self) -> None:
        """The check, then the end of everything that was started."""
        try:
            for sender in self._senders:
                sender.close()
            running = [each for each in self.foragers if each.running]
            for forager in running:
                self.check_books(forager)
            for forager in running:
                held = sum(each["held"] for each in forager.ledger()["destinations"])
                code = forager.terminate()
                allowed = {EXIT_OK, EXIT_LOST} if held else {EXIT_OK}
                assert code in allowed, f"ended with {code}, {held} were held:\n{forager.output}"
            self.check_secrets()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """No check: ends what still runs and shows what the Foragers said (pytest prints it if the test failed)."""
        for number, forager in enumerate(self.foragers, 1):
            if forager.running:
                forager.kill()
            print(f"--- forager {number} ended with {forager.process.returncode}\n{forager.output}")
        print("--- judge:", self.judge.summary())
        self.judge.close()
