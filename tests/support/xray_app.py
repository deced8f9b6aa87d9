"""An app with the real AWS X-Ray SDK: does what its first argument says against AWS_XRAY_DAEMON_ADDRESS, and prints as JSON what the SDK
sent or decided. A process of its own, since the SDK's recorder is one for all."""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

from aws_xray_sdk import global_sdk_config
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter

PATIENCE = 15.0


class Recording(UDPEmitter):
    """The SDK's own emitter, which also keeps what it was given to send."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def _send_data(self, data: str) -> None:
        super()._send_data(data)
        self.sent.append(data.split("\n", 1)[1])


def segments(count: str) -> dict[str, Any]:
    """`count` segments with everything that the SDK has; each third one fails."""
    emitter = Recording()
    xray_recorder.configure(service="shop", sampling=False, emitter=emitter, context_missing="LOG_ERROR")
    for number in range(int(count)):
        segment = xray_recorder.begin_segment("shop")
        segment.set_user(f"user-{number}")
        segment.set_service({"version": "1.2.3"})
        segment.put_http_meta("method", "GET")
        segment.put_http_meta("url", f"http://shop.example/cart/{number}?q=1")
        segment.put_annotation("order", number)
        segment.put_annotation("vip", number % 2 == 0)
        segment.put_metadata("basket", {"items": [number, "caf\u00e9 \U0001f41d"]}, "shop")
        segment.put_http_meta("status", 500 if number % 3 == 0 else 200)
        with xray_recorder.in_subsegment("prices", namespace="remote") as remote:
            remote.put_http_meta("url", "http://prices.example/v1")
            remote.put_http_meta("status", 200)
            with xray_recorder.in_subsegment("parse"):
                pass
        try:
            with xray_recorder.in_subsegment("checkout"):
                if number % 3 == 0:
                    raise KeyError(f"no basket {number}")
        except KeyError:
            pass
        xray_recorder.end_segment()
    return {"sent": emitter.sent}


def streamed(count: str) -> dict[str, Any]:
    """One segment of so many subsegments that the SDK sends them by themselves, before it."""
    emitter = Recording()
    xray_recorder.configure(service="shop", sampling=False, emitter=emitter, stream_sql=True)
    xray_recorder.streaming_threshold = 5
    xray_recorder.begin_segment("shop")
    for number in range(int(count)):
        with xray_recorder.in_subsegment(f"step-{number}"):
            pass
    xray_recorder.end_segment()
    return {"sent": emitter.sent}


def sampling(service: str) -> dict[str, Any]:
    """Waits for the rules from the daemon (or for the first failure), decides ten times, reports the counts."""
    emitter = Recording()
    failed = threading.Event()
    xray_recorder.configure(service=service, sampling=True, emitter=emitter)
    sampler = xray_recorder.sampler
    connector = sampler._connector
    fetch = connector.fetch_sampling_rules

    def watched() -> Any:
        try:
            return fetch()
        except Exception:
            failed.set()
            raise

    connector.fetch_sampling_rules = watched
    sampler.start()
    end = time.monotonic() + PATIENCE
    tick = threading.Event()
    while not sampler._cache.rules and not failed.is_set() and time.monotonic() < end:
        tick.wait(0.02)
    decisions = [bool(xray_recorder.begin_segment(service).sampled) or False for _ in range(10)]
    rules = {rule.name: rule.rate for rule in sampler._cache.rules}
    targets: dict[str, Any] = {}
    if rules:
        matched = [rule for rule in sampler._cache.rules if rule.ever_matched()]
        targets, _ = connector.fetch_sampling_target(matched)
    return {"rules": rules, "failed": failed.is_set(), "decisions": decisions, "targets": targets}


if __name__ == "__main__":
    global_sdk_config.set_sdk_enabled(True)
    print(json.dumps({"segments": segments, "streamed": streamed, "sampling": sampling}[sys.argv[1]](sys.argv[2]), default=str))
