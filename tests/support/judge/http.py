"""The judge's sockets: HTTP/1.1 with keep-alive on a port that stays reserved while it is down."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judge.server import Judge

SIGNAL_PATHS = ("/v1/traces", "/v1/metrics", "/v1/logs")
IDLE_S = 120


@dataclass
class Reply:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def json(cls, status: int, value: Any) -> Reply:
        return cls(status, {"Content-Type": "application/json"}, json.dumps(value).encode())


def reset(connection: socket.socket) -> None:
    """Closes with RST: what was stored in buffers is thrown away, the peer sees a reset."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The TLS layer must not say goodbye, so the descriptor goes first.
        socket.socket(fileno=connection.detach()).close()
    except OSError:
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write for head and body
    server: _Server

    def setup(self) -> None:
        self.request.settimeout(IDLE_S)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.server.tls is not None:
            raw = self.request
            try:
                self.request = self.server.tls.wrap_socket(raw, server_side=True)
            except OSError:
                self.server.judge.handshake_failed()
                raise
            self.server.replace(raw, self.request)
        super().setup()

    def log_message(self, *_: Any) -> None:
        """Tests ask for requests; nobody reads an access log."""

    def version_string(self) -> str:
        return "judge"

    def _body(self) -> bytes | None:
        """None: it ended too early."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            out = bytearray()
            while size := int(self.rfile.readline().split(b";")[0], 16):
                out += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return bytes(out)
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size)
        return body if len(body) == size else None

    def _write(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()

    def _serve(self) -> None:
        judge, path = self.server.judge, self.path
        body = self._body()
        if body is None:
            self.close_connection = True
            return
        headers = list(self.headers.items())
        if path == "/1/auth" and self.command == "GET":
            self._write(judge.auth(headers))
        elif path not in SIGNAL_PATHS:
            self._write(Reply.json(404, {"error": "not found"}))
        elif self.command != "POST":
            self._write(Reply(405, {"Allow": "POST"}))
        else:
            reply = judge.receive(self.command, path, headers, body, self.client_address)
            if reply is None:
                self.close_connection = True
                reset(self.request)
            else:
                self._write(reply)

    do_GET = do_POST = do_PUT = do_HEAD = _serve

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            pass  # cut, by us or by the client
        self.server.forget(self.request)
        self.request.close()  # with TLS it isn't the socket that the server knows


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, judge: Judge, address, tls: ssl.SSLContext | None) -> None:
        super().__init__(address, Handler)
        self.judge, self.tls = judge, tls
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request, client_address) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def replace(self, raw: socket.socket, wrapped: socket.socket) -> None:
        with self._lock:
            self._open.discard(raw)
            self._open.add(wrapped)

    def forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def shutdown_request(self, request) -> None:
        self.forget(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address) -> None:
        """A connection that ended is the client's business or a fault we were told to make."""

    def cut_all(self) -> None:
        with self._lock:
            connections, self._open = self._open, set()
        for each in connections:
            try:
                each.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads from it
            except OSError:
                pass


class Listener:
    """One address, listening or refusing. `port` is known from the start and stays ours in between."""

    def __init__(self, judge: Judge, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._judge, self._tls = judge, tls
        # Bound but not listening: connections are refused, and nobody else can be given the port.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((host, port))
        self.host, self.port = self._reserved.getsockname()
        self._server: _Server | None = None
        self.up()

    def up(self) -> None:
        if self._server is None:
            self._server = _Server(self._judge, (self.host, self.port), self._tls)
            threading.Thread(target=self._server.serve_forever, args=(0.05,), name="judge", daemon=True).start()

    def down(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            server.shutdown()
            server.server_close()
            server.cut_all()

    def close(self) -> None:
        self.down()
        self._reserved.close()
