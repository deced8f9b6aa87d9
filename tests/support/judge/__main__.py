"""``python -m judge``: the judge by hand. The control port takes faults and shows what was stored:

curl -s  http://127.0.0.1:8081/state
curl -s  http://127.0.0.1:8081/events?kind=span
curl -s  http://127.0.0.1:8081/requests
curl -sd '{"fault":"status","code":429,"retry_after":3,"times":5}' http://127.0.0.1:8081/faults
curl -sX DELETE http://127.0.0.1:8081/faults
curl -sX POST   http://127.0.0.1:8081/down    (and /up)
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from judge.faults import BY_NAME, from_json
from judge.http import Reply
from judge.server import OUR_KEY, Judge


def state(judge: Judge) -> dict:
    return {
        "url": judge.url,
        "requests": len(judge.requests),
        "stored": dict(judge.counts),
        "different": len(judge.seen),
        "repeats": judge.repeats,
        "faults": [str(each) for each in judge.faults],
        "failed_handshakes": judge.handshake_failures,
    }


def requests(judge: Judge) -> list[dict]:
    """Keys are shown by their first six characters: also a test server doesn't print credentials."""
    return [
        {
            "number": each.number,
            "path": each.path,
            "status": each.status,
            "stored_items": len(each.stored_items),
            "ids": [item.id for item in each.stored_items],
            "bytes": len(each.body),
            "sha256": each.sha256,
            "encoding": each.header("content-encoding"),
            "key": each.key[:6],
            "error": each.error,
        }
        for each in list(judge.requests)
    ]


def control(judge: Judge, method: str, target: str, body: bytes) -> Reply:
    url = urlsplit(target)
    if method == "GET" and url.path == "/state":
        return Reply.json(200, state(judge))
    if method == "GET" and url.path == "/requests":
        return Reply.json(200, requests(judge))
    if method == "GET" and url.path == "/events":
        kind = parse_qs(url.query).get("kind", [None])[0]
        return Reply.json(200, [each.as_dict() for each in judge.events(kind)])
    if method == "POST" and url.path == "/faults":
        try:
            judge.faults.add(from_json(json.loads(body)))
        except (ValueError, AttributeError, TypeError) as error:
            return Reply.json(400, {"error": str(error)})
        return Reply.json(200, state(judge))
    if method == "DELETE" and url.path == "/faults":
        judge.faults.clear()
        return Reply.json(200, state(judge))
    if method == "POST" and url.path in ("/down", "/up"):
        judge.down() if url.path == "/down" else judge.up()
        return Reply.json(200, state(judge))
    return Reply.json(404, {"error": (__doc__ or "").strip()})


def control_server(judge: Judge, port: int) -> ThreadingHTTPServer:
    class ControlHandler(BaseHTTPRequestHandler):
        def log_message(self, *_) -> None:
            pass

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = control(judge, self.command, self.path, body)
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_DELETE = _serve

    server = ThreadingHTTPServer(("127.0.0.1", port), ControlHandler)
    server.daemon_threads = True
    return server


def main() -> int:
    words = argparse.ArgumentParser(prog="judge", description="Answers OTLP as Honeycomb does.")
    words.add_argument("--host", default="127.0.0.1")
    words.add_argument("--port", type=int, default=8443, help="0: the system chooses")
    words.add_argument("--control-port", type=int, default=0, help="on 127.0.0.1; 0: the system chooses")
    words.add_argument("--write-ca", metavar="FILE", help="where to write the authority to trust (SSL_CERT_FILE)")
    words.add_argument("--plain", action="store_true", help="HTTP without TLS")
    words.add_argument("--key", action="append", help=f"accepted key, repeatable; 'any' for any (default {OUR_KEY})")
    words.add_argument("--fault", action="append", default=[], metavar="JSON", help=f"one of {', '.join(BY_NAME)}")
    given = words.parse_args()
    keys = () if given.key == ["any"] else given.key or (OUR_KEY,)
    try:
        faults = [from_json(json.loads(each)) for each in given.fault]
    except ValueError as error:
        words.error(f"--fault: {error}")
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with Judge(keys=keys, port=given.port, tls=not given.plain, host=given.host) as judge:
        for each in faults:
            judge.faults.add(each)
        if given.write_ca and judge.ca_file:
            shutil.copyfile(judge.ca_file, given.write_ca)
        with control_server(judge, given.control_port) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            print(f"judge {judge.url} control http://127.0.0.1:{server.server_address[1]}", flush=True)
            done.wait()
            print(judge.summary(), flush=True)
            server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
