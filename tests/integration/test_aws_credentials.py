"""AWS credentials of every kind, from endpoints built from the facts. First botocore is held against those endpoints, then Forager: its
spans go to an X-Ray that checks each signature and refuses keys that are over."""

from __future__ import annotations

import gzip
import os
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import botocore.session
import otlp
import pytest
from aws_identity import REGION, AwsIdentity, Keys, Reply
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, CredentialRetrievalError
from forager import wait_until
from judge.items import items_of

PLAIN = Keys("plain", "AKIAPLAINPLAIN000001", "a secret of plain keys+/=", "", time.time() + 1e6)
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8}/[a-z0-9-]+/xray/aws4_request), SignedHeaders=([a-z0-9;-]+), Signature=(\w+)")


class XRay:
    """X-Ray's OTLP endpoint as far as credentials go: botocore computes each signature anew from the bytes that came."""

    def __init__(self, identity: AwsIdentity) -> None:
        self.identity = identity
        self.spans: set[str] = set()
        self.key_ids: list[str] = []  # of requests that were taken
        self.refused: list[str] = []  # why
        self.wrong: list[str] = []  # signatures
        self._changed = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30
            wbufsize = -1

            def log_message(self, *_: Any) -> None:
                """Nobody reads an access log."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                why = outer.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                answer = f'{{"message":"{why}"}}'.encode() if why else b"{}"
                self.send_response(403 if why else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> str:
        """Empty: taken; else why not, in AWS's words."""
        found = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        keys = found and (PLAIN if found[1] == PLAIN.id else self.identity.keys_of(found[1]))
        why = ""
        if keys is None or headers.get("x-amz-security-token", "") != keys.token:
            why = "The security token included in the request is invalid."
        elif keys.expires < time.time():
            why = "The security token included in the request is expired"
        elif self.signature(path, headers, body, keys, found[3].split(";"), found[2].split("/")[1]) != found[4]:
            why = "The request signature we calculated does not match the signature you provided."
        with self._changed:
            if why:
                self.refused.append(why)
                if "signature" in why:
                    self.wrong.append(headers["authorization"])
            else:
                raw = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
                self.spans |= {item.id for item in items_of("traces", raw)}
                self.key_ids.append(keys.id)
            self._changed.notify_all()
        return why

    @staticmethod
    def signature(path: str, headers: dict[str, str], body: bytes, keys: Keys, names: list[str], region: str) -> str:
        signed = {name: headers[name] for name in names}
        assert "host" in signed and all(name in signed for name in headers if name.startswith("x-amz-"))
        request = AWSRequest("POST", f"http://{headers['host']}{path}", headers=signed, data=body)
        request.context["timestamp"] = headers["x-amz-date"]
        auth = SigV4Auth(Credentials(keys.id, keys.secret, keys.token or None), "xray", region)
        return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)

    def wait_for(self, condition, timeout: float, what: str) -> None:
        end = time.monotonic() + timeout
        with self._changed:
            while not condition(self):
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise AssertionError(f"waited {timeout} s in vain for {what}; {len(self.spans)} spans came, refused: {self.refused[-3:]}")


@pytest.fixture
def identity():
    with AwsIdentity() as it:
        yield it


@pytest.fixture
def xray(identity):
    it = XRay(identity)
    yield it
    it.close()
    assert it.wrong == []


class App:
    """Posts spans and remembers them; `forager` sends to X-Ray alone."""

    def __init__(self, world, xray: XRay, **settings: str) -> None:
        self.world, self.xray = world, xray
        to_xray = {"HONEYCOMB_API_KEY": "", "HONEYCOMB_API_ENDPOINT": "", "AWS_REGION": REGION, "FORAGER_DESTINATIONS": "traces=xray",
                   "FORAGER_XRAY_ENDPOINT": xray.url, "FORAGER_ENRICH": "off"}  # fmt: skip
        self.forager = world.start(**(to_xray | settings))
        self.sender = world.sender()

    def post(self, spans: int = 5) -> None:
        assert self.sender.post("traces", otlp.traces(spans)).status == 200

    @property
    def sent(self) -> set[str]:
        return set(self.world.acknowledged.ids)

    def book(self) -> dict[str, int]:
        return self.forager.book(destination="xray")

    def wait_delivered(self, timeout: float = 20) -> None:
        """All that was promised is there, once the books say so."""
        self.xray.wait_for(lambda xray: xray.spans >= self.sent, timeout, "all spans")
        wait_until(lambda: self.book().get("delivered") == len(self.sent), 5, "the book")
        book = self.book()
        assert {name: book[name] for name in ("held", "lost", "expired", "quarantined", "rejected")} == {
            "held": 0, "lost": 0, "expired": 0, "quarantined": 0, "rejected": 0}  # fmt: skip


@pytest.fixture
def start(world, xray, identity):
    def start(**settings: str) -> App:
        return App(world, xray, **settings)

    yield start
    world.secrets |= {text for each in [*identity.given, PLAIN] for text in (each.secret, each.token) if text}


def container(identity: AwsIdentity, path: Path) -> dict[str, str]:
    path.write_text("the token")
    identity.container_token = "the token"
    return identity.container_settings(str(path))


def web_identity(identity: AwsIdentity, path: Path) -> dict[str, str]:
    path.write_text("a.web.token\n")
    return identity.web_identity_settings(str(path))


def instance(identity: AwsIdentity, _: Path) -> dict[str, str]:
    return identity.imds_settings()


def variables(_: AwsIdentity, __: Path) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": PLAIN.id, "AWS_SECRET_ACCESS_KEY": PLAIN.secret}


def profile(_: AwsIdentity, path: Path) -> dict[str, str]:
    path.write_text(f"[default]\naws_access_key_id = NONE\n\n[prod]\naws_access_key_id = {PLAIN.id}\naws_secret_access_key = {PLAIN.secret}\n")
    return {"AWS_PROFILE": "prod", "AWS_SHARED_CREDENTIALS_FILE": str(path)}


SOURCES = {"plain": variables, "profile": profile, "sts": web_identity, "container": container, "imds": instance}


def botocore_session(monkeypatch, **settings: str) -> botocore.session.Session:
    """With nothing of this machine."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "ECS_")):
            monkeypatch.delenv(name)
    for name, value in ({"HOME": "/nonexistent", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION} | settings).items():
        monkeypatch.setenv(name, value)
    return botocore.session.Session()


class TestTheEndpointsAreWhatAwsHas:
    """botocore, which the facts were read from, gets its credentials here and finds them whole."""

    @staticmethod
    def whole(session: botocore.session.Session, identity: AwsIdentity, kind: str) -> None:
        found = session.get_credentials().get_frozen_credentials()
        given = identity.keys_of(found.access_key)
        assert given is not None and given.kind == kind
        assert (given.secret, given.token) == (found.secret_key, found.token)

    def test_container(self, identity, monkeypatch, tmp_path):
        (tmp_path / "token").write_text("the token")
        identity.container_token = "the token"
        self.whole(botocore_session(monkeypatch, **identity.container_settings(str(tmp_path / "token"))), identity, "container")

    def test_container_refuses_another_token(self, identity, monkeypatch):
        identity.container_token = "the token"
        with pytest.raises(CredentialRetrievalError, match="the token is not the one"):
            botocore_session(monkeypatch, **identity.container_settings(token="another")).get_credentials()

    def test_web_identity(self, identity, monkeypatch, tmp_path):
        (tmp_path / "jwt").write_text("a.web.token")
        session = botocore_session(monkeypatch, **identity.web_identity_settings(str(tmp_path / "jwt")))
        self.whole(session, identity, "sts")
        assert session.create_client("sts", endpoint_url=identity.url).get_caller_identity()["Arn"].endswith("assumed-role/forager-role/sts")
        identity.expire_all()
        with pytest.raises(ClientError, match="ExpiredToken"):
            session.create_client("sts", endpoint_url=identity.url).get_caller_identity()

    def test_web_identity_with_an_old_token(self, identity, monkeypatch, tmp_path):
        (tmp_path / "jwt").write_text("an.old.token")
        session = botocore_session(monkeypatch, **identity.web_identity_settings(str(tmp_path / "jwt")))
        with pytest.raises(ClientError, match="ExpiredTokenException"):
            session.get_credentials().get_frozen_credentials()

    def test_instance(self, identity, monkeypatch):
        self.whole(botocore_session(monkeypatch, **identity.imds_settings()), identity, "imds")
        assert identity.count("imds-token") >= 1

    def test_instance_without_tokens(self, identity, monkeypatch):
        identity.imds_v1 = True
        identity.refuse["imds-token"] = Reply(403)
        self.whole(botocore_session(monkeypatch, **identity.imds_settings()), identity, "imds")


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_signs(start, identity, xray, source, tmp_path):
    """Spans arrive under keys of that source, and of no other."""
    app = start(**SOURCES[source](identity, tmp_path / "file"))
    app.post()
    app.wait_delivered()
    kinds = {PLAIN.kind if each == PLAIN.id else identity.keys_of(each).kind for each in xray.key_ids}
    assert kinds == {"plain" if source == "profile" else source}
    assert xray.refused == []


@pytest.mark.slow
@pytest.mark.parametrize("source", ["sts", "container", "imds"])
def test_rotation_under_load(start, identity, xray, source, tmp_path):
    """Keys that live for four seconds, and an app that never pauses: no request is ever refused, and several keys were used."""
    identity.lifetime = 4
    app = start(**SOURCES[source](identity, tmp_path / "file"))
    end = time.monotonic() + 9
    while time.monotonic() < end:
        app.post(20)
    app.wait_delivered()
    assert xray.refused == []
    assert len(set(xray.key_ids)) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("source", ["sts", "container", "imds"])
def test_keys_that_end_and_no_new_ones_lose_nothing(start, identity, xray, source, tmp_path):
    """Scenario: the endpoint refuses to give new keys until well after the old ones are over. Guarantees: what comes meanwhile is held, the
    reason is said, and all of it arrives when there are keys again."""
    identity.lifetime = 3
    app = start(**SOURCES[source](identity, tmp_path / "file"))
    app.post()
    app.wait_delivered()
    for kind in ("sts", "container", "imds"):
        identity.refuse[kind] = Reply(403, "no")
    wait_until(lambda: all(each.expires < time.time() for each in identity.given), 10, "the end of all keys")
    for _ in range(10):
        app.post()
    xray.wait_for(lambda it: any("expired" in each for each in it.refused), 10, "a refusal")
    wait_until(lambda: app.book()["held"] >= 45, 5, "held spans")
    app.forager.wait_for_line(r"AWS credentials: .*403")
    identity.lifetime = 3600
    identity.refuse.clear()
    app.wait_delivered(40)


def test_a_start_without_keys_loses_nothing(start, identity, xray, tmp_path):
    """The endpoint is down at first: spans are accepted and wait."""
    settings = container(identity, tmp_path / "token")
    identity.refuse["container"] = Reply(503)
    app = start(**settings)
    app.post(50)
    app.forager.wait_for_line(r"AWS credentials: the container's credential endpoint answered 503")
    assert app.book()["held"] == 50
    identity.refuse.clear()
    app.wait_delivered()
    assert xray.refused == []


def test_a_swapped_token_file_is_read_again(start, identity, tmp_path):
    """EKS replaces the file; the old token is refused from then on."""
    token = tmp_path / "token"
    settings = container(identity, token)
    identity.container_token = "another token"
    app = start(**settings)
    app.post()
    app.forager.wait_for_line(r"answered 401: the token is not the one")
    fresh = tmp_path / "fresh"
    fresh.write_text("another token")
    fresh.replace(token)
    app.wait_delivered()


def test_a_token_with_a_line_break_is_never_sent(start, identity, tmp_path):
    token = tmp_path / "token"
    settings = container(identity, token)
    token.write_bytes(b"the token\r\nX-Evil: 1")
    app = start(**settings)
    app.post()
    app.forager.wait_for_line(r"token holds a line break")
    assert identity.count("container") == 0
    assert "X-Evil" not in app.forager.output
    token.write_text("the token")
    app.wait_delivered()


def test_a_host_that_is_not_allowed_is_never_asked(start, identity):
    app = start(AWS_CONTAINER_CREDENTIALS_FULL_URI=identity.url.replace("127.0.0.1", "0.0.0.0") + "/v1/credentials")
    app.post()
    app.forager.wait_for_line(r"0\.0\.0\.0 may not be asked for credentials over plain http")
    assert identity.asked == []
    assert app.book()["held"] == 5


def test_a_credentials_file_that_is_swapped(start, identity, xray, tmp_path):
    """Plain keys that were revoked wait for the file to change; half a file in between is no harm."""
    path = tmp_path / "credentials"
    path.write_text("[default]\naws_access_key_id = AKIAREVOKEDREVOKED01\naws_secret_access_key = s\n")
    app = start(AWS_SHARED_CREDENTIALS_FILE=str(path))
    app.post()
    xray.wait_for(lambda it: it.refused, 10, "a refusal")
    path.write_text(f"[default]\naws_access_key_id = {PLAIN.id}\n")
    path.write_text(f"[default]\naws_access_key_id = {PLAIN.id}\naws_secret_access_key = {PLAIN.secret}\n")
    app.wait_delivered(30)
