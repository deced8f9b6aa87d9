"""A forward proxy as companies have them: CONNECT in plain HTTP, with a password if wanted; it remembers what it was asked."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from dataclasses import dataclass, field

LINE_END = b"\r\n"


@dataclass(frozen=True)
class Asked:
    target: str  # host:port
    headers: dict[str, str]  # names in lower case
    status: int  # what it answered


@dataclass
class ConnectProxy:
    """`user_info` "name:password": without it in Proxy-Authorization it answers 407. `refuse`: this status to everybody.
    `names` is its name resolution."""

    user_info: str = ""
    refuse: int = 0
    names: dict[str, str] = field(default_factory=lambda: {"honeycomb.test": "127.0.0.1"})
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> ConnectProxy:
        return self

    def __exit__(self, *_) -> None:
        with self._lock:
            everything = [self._listener, *self._open]
        for each in everything:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            head = b""
            while LINE_END * 2 not in head:
                more = client.recv(4096)
                if not more:
                    return
                head += more
            head, _, early = head.partition(LINE_END * 2)
            first, *lines = head.decode().split("\r\n")
            method, target, version = first.split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            status = self._status(method, version, headers)
            with self._lock:
                self.asked.append(Asked(target, headers, status))
            if status != 200:
                client.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
                return
            host, _, port = target.rpartition(":")
            with socket.create_connection((self.names.get(host, host), int(port)), 10) as server:
                with self._lock:
                    self._open.append(server)
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                server.sendall(early)
                back = threading.Thread(target=pump, args=(server, client), daemon=True)
                back.start()
                pump(client, server)
                back.join(10)

    def _status(self, method: str, version: str, headers: dict[str, str]) -> int:
        if method != "CONNECT" or version != "HTTP/1.1" or "host" not in headers:
            return 400
        wanted = "Basic " + base64.b64encode(self.user_info.encode()).decode()
        if self.user_info and headers.get("proxy-authorization") != wanted:
            return 407
        return self.refuse or 200


def pump(source: socket.socket, into: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            into.sendall(data)
    with contextlib.suppress(OSError):
        into.shutdown(socket.SHUT_WR)
