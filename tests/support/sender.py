"""Apps that send OTLP by hand and remember every item that was answered 200: the other side of the ledger."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

import grpc
import otlp
from google.protobuf.message import Message
from google.rpc import status_pb2
from judge.items import items_of

PROTOBUF, JSON = "application/x-protobuf", "application/json"
METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
ENCODERS = {"gzip": gzip.compress, "deflate": zlib.compress}


class Acknowledged:
    """What the apps were promised: item id to signal. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.ids: dict[str, str] = {}

    def add(self, signal: str, body: bytes) -> None:
        fresh = {item.id: signal for item in items_of(signal, body)}
        with self._lock:
            self.ids.update(fresh)

    def count(self, signal: str) -> int:
        with self._lock:
            return sum(each == signal for each in self.ids.values())


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def message(self) -> str:
        """Of the google.rpc.Status, in either encoding."""
        if self.headers.get("content-type") == JSON:
            return json.loads(self.body).get("message", "")
        return status_pb2.Status.FromString(self.body).message

    @property
    def retry_after(self) -> int:
        return int(self.headers["retry-after"])


class Sender:
    """One kept-alive HTTP connection. Used by one thread at a time."""

    def __init__(self, port: int, acknowledged: Acknowledged | None = None, timeout: float = 15) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=timeout)
        self._acknowledged = acknowledged

    def post(
        self,
        signal: str,
        message: Message | bytes,
        *,
        kind: str = PROTOBUF,
        encoding: str = "",
        path: str = "",
        track: bool = True,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """`message` as bytes goes as it is. OSError, HTTPException: no answer. `track=False`: not owed to anybody."""
        plain = message if isinstance(message, bytes) else message.SerializeToString()
        body = otlp.to_json(message) if kind == JSON and not isinstance(message, bytes) else plain
        all_headers = {"Content-Type": kind, **(headers or {})}
        if encoding:
            all_headers["Content-Encoding"] = encoding
            body = ENCODERS[encoding](body)
        reply = self.raw("POST", path or f"/v1/{signal}", body, all_headers)
        if reply.status == 200 and track and self._acknowledged is not None:
            self._acknowledged.add(signal, plain)
        return reply

    def post_until_refused(self, signal: str, message: Callable[[], Message], *, limit: int) -> tuple[int, Reply]:
        """How many were answered 200, and the first other answer; AssertionError after `limit` of them."""
        for taken in range(limit):
            reply = self.post(signal, message())
            if reply.status != 200:
                return taken, reply
        raise AssertionError(f"{limit} requests and no end")

    def raw(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, names, answer.read())
        except (OSError, HTTPException):
            self._connection.close()  # the next request opens another
            raise

    def close(self) -> None:
        self._connection.close()


class GrpcSender:
    """OTLP/gRPC with bytes, so that also what no SDK would send can be sent."""

    def __init__(self, port: int, acknowledged: Acknowledged | None = None) -> None:
        options = [("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0)]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options)
        self._acknowledged = acknowledged

    def post(
        self,
        signal: str,
        message: Message | bytes,
        *,
        compression: grpc.Compression = grpc.Compression.NoCompression,
        timeout: float = 15,
        track: bool = True,
    ) -> bytes:
        """The response's bytes. grpc.RpcError: anything but OK."""
        body = message if isinstance(message, bytes) else message.SerializeToString()
        call = self.channel.unary_unary(METHODS[signal])
        answer = call(body, timeout=timeout, compression=compression)
        if track and self._acknowledged is not None:
            self._acknowledged.add(signal, body)
        return answer

    def close(self) -> None:
        self.channel.close()


def raw_exchange(port: int, data: bytes, timeout: float = 15) -> bytes:
    """Sends bytes as they are and reads until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        try:
            connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it answered before it had read everything
        out = b""
        try:
            while chunk := connection.recv(65536):
                out += chunk
        except ConnectionResetError:
            pass
        return out
