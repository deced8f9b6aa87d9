"""A gRPC call written frame by frame, for what no client library would send: a message compressed beforehand, or garbage in the middle.

RFC 9113 as far as that needs it: no header compression, our own flow control window only.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name: str, value: str) -> bytes:
    """HPACK: a literal header without indexing, without Huffman; both at most 126 bytes."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


@dataclass
class Answer:
    """What came back. `status` is the grpc-status, if any of the header blocks says it in plain text."""

    headers: list[bytes] = field(default_factory=list)
    data: bytes = b""
    reset: int | None = None
    goaway: int | None = None
    closed: bool = False


class Call:
    """One connection with one call on stream 1."""

    def __init__(
        self, port: int, path: str, encoding: str = "gzip", timeout: float = 20, content_type: str = "application/grpc"
    ) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._buffer = b""
        self._window, self._stream_window, self._frame_max = 65535, 65535, 16384
        self.answer = Answer()
        headers = [
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
            ("te", "trailers"), ("content-type", content_type),
        ]  # fmt: skip
        if encoding:
            headers.append(("grpc-encoding", encoding))
        block = b"".join(literal(name, value) for name, value in headers)
        self._socket.sendall(PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 1, block))

    def send(self, message: bytes, *, compressed: bool) -> Answer:
        """The message in a gRPC frame, as fast as the other side's window allows; then the answer to its end."""
        return self.send_raw(bytes([compressed]) + struct.pack(">I", len(message)) + message)

    def send_raw(self, data: bytes) -> Answer:
        """Any bytes as the body."""
        try:
            while data and not self._over():
                room = min(self._window, self._stream_window, self._frame_max, len(data))
                if room == 0:
                    self._read()
                    continue
                last = END_STREAM if room == len(data) else 0
                self._socket.sendall(frame(DATA, last, 1, data[:room]))
                data = data[room:]
                self._window -= room
                self._stream_window -= room
            while not self._over():
                self._read()
        except (ConnectionError, TimeoutError):
            self.answer.closed = True
        return self.answer

    def _over(self) -> bool:
        answer = self.answer
        return answer.closed or answer.reset is not None or self._ended

    _ended = False

    def _read(self) -> None:
        """One frame."""
        head = self._exactly(9)
        if head is None:
            self.answer.closed = True
            return
        size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
        payload = self._exactly(size) or b""
        if kind == SETTINGS and not flags & ACK:
            self._settings(payload)
        elif kind == PING and not flags & ACK:
            self._socket.sendall(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE:
            more = int.from_bytes(payload, "big") & 0x7FFFFFFF
            if stream == 0:
                self._window += more
            else:
                self._stream_window += more
        elif kind == HEADERS:
            self.answer.headers.append(payload)
        elif kind == DATA:
            self.answer.data += payload
        elif kind == RST_STREAM:
            self.answer.reset = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.answer.goaway = int.from_bytes(payload[4:8], "big")
        if stream == 1 and kind in (HEADERS, DATA) and flags & END_STREAM:
            self._ended = True

    def _settings(self, payload: bytes) -> None:
        for at in range(0, len(payload), 6):
            name, value = struct.unpack_from(">HI", payload, at)
            if name == 4:  # initial window of streams
                self._stream_window += value - 65535
            elif name == 5:
                self._frame_max = value
        self._socket.sendall(frame(SETTINGS, ACK, 0))

    def _exactly(self, size: int) -> bytes | None:
        while len(self._buffer) < size:
            chunk = self._socket.recv(65536)
            if not chunk:
                return None
            self._buffer += chunk
        out, self._buffer = self._buffer[:size], self._buffer[size:]
        return out

    def close(self) -> None:
        self._socket.close()
