"""Everything around a workload that gives AWS credentials, on one loopback port: STS, the credential endpoint of ECS and EKS, the ECS task
metadata, and the instance metadata service. Built from PROTOCOLS 3.3, 5.3 and 5.5; botocore itself is held against it (test_aws_credentials).

Each kind can be refused, delayed and rotated; what was given is remembered, so that a judge of signatures knows the secrets and when they end.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

ACCOUNT, REGION, ROLE = "111122223333", "us-west-2", "forager-role"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
TASK_ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/default/158d1c8083dd49d6b527399fd6414f5c"
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
ROLES_PATH = "/latest/meta-data/iam/security-credentials/"
XML = "text/xml"


@dataclass(frozen=True)
class Keys:
    """What was given, to whom by which way, and until when it holds (time.time())."""

    kind: str  # "sts", "container", "imds"
    id: str
    secret: str
    token: str
    expires: float

    @property
    def expiration(self) -> str:
        return datetime.fromtimestamp(self.expires, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def as_json(self) -> dict[str, str]:
        return {"AccessKeyId": self.id, "SecretAccessKey": self.secret, "Token": self.token, "Expiration": self.expiration}


@dataclass
class Reply:
    status: int
    body: str = ""
    content_type: str = "text/plain"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    kind: str
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: str


class AwsIdentity:
    """`lifetime`: seconds that keys live. Each request for keys gets new ones, unless `rotate_at` says how long old ones are given again: as
    ECS and EC2 do, which have new ones only shortly before the end. Attributes may be set at any time, from any thread."""

    def __init__(self, lifetime: float = 3600) -> None:
        self.lifetime = lifetime
        self.rotate_at: float | None = None  # seconds before the end; None: at each request
        self.refuse: dict[str, Reply] = {}  # by kind: answered instead
        self.silent: set[str] = set()  # kinds that never answer
        self.container_token: str | None = None  # what Authorization must be; None: it must not be there
        self.web_tokens: set[str] = {"a.web.token"}
        self.imds_v1 = False  # answers without a token, too
        self.imds_hop_limit = False  # PUT is never answered
        self.asked: list[Asked] = []
        self.given: list[Keys] = []
        self._sessions: dict[str, float] = {}
        self._changed = threading.Condition()
        self._closing = threading.Event()
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        server.daemon_threads = True
        self._server = server
        self.url = f"http://127.0.0.1:{server.server_port}"
        self._thread = threading.Thread(target=server.serve_forever, name="aws-identity", kwargs={"poll_interval": 0.02})
        self._thread.start()

    def __enter__(self) -> AwsIdentity:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # How a client is pointed here

    def container_settings(self, token_file: str = "", token: str = "") -> dict[str, str]:
        """As an EKS pod with Pod Identity has it, or an ECS task with a full URI."""
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.url}/v1/credentials",
            **({"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token_file} if token_file else {}),
            **({"AWS_CONTAINER_AUTHORIZATION_TOKEN": token} if token else {}),
        }

    def web_identity_settings(self, token_file: str) -> dict[str, str]:
        return {"AWS_WEB_IDENTITY_TOKEN_FILE": token_file, "AWS_ROLE_ARN": ROLE_ARN, "AWS_ENDPOINT_URL_STS": self.url}

    def imds_settings(self) -> dict[str, str]:
        return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url}

    def ecs_settings(self) -> dict[str, str]:
        return {"ECS_CONTAINER_METADATA_URI_V4": f"{self.url}/v4/container"}

    # What a test asks

    def keys_of(self, key_id: str) -> Keys | None:
        """For a judge of signatures: the secret, and whether it is over by now is `expires`."""
        with self._changed:
            return next((each for each in self.given if each.id == key_id), None)

    def count(self, kind: str) -> int:
        with self._changed:
            return sum(each.kind == kind for each in self.asked)

    def wait_for(self, condition: Callable[[AwsIdentity], Any], timeout: float, what: str) -> Any:
        end = time.monotonic() + timeout
        with self._changed:
            while not (found := condition(self)):
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise AssertionError(f"waited {timeout} s in vain for {what}: {Counter(each.kind for each in self.asked)}")
            return found

    def expire_all(self) -> None:
        """As if everything given so far was over, without the client knowing: revoked."""
        with self._changed:
            self.given = [Keys(each.kind, each.id, each.secret, each.token, 0) for each in self.given]

    # The endpoints

    def answer(self, asked: Asked) -> Reply | None:
        """None: no answer at all."""
        with self._changed:
            self.asked.append(asked)
            self._changed.notify_all()
        if asked.kind in self.silent or (asked.kind == "imds-token" and self.imds_hop_limit):
            self._closing.wait(20)
            return None
        if asked.kind in self.refuse:
            return self.refuse[asked.kind]
        endpoint = getattr(self, "_" + asked.kind.replace("-", "_"), None)
        return endpoint(asked) if endpoint else Reply(404, "not found")

    def _keys(self, kind: str) -> Keys:
        now = time.time()
        with self._changed:
            latest = next((each for each in reversed(self.given) if each.kind == kind), None)
            if latest is not None and self.rotate_at is not None and latest.expires - now > self.rotate_at:
                return latest
            made = Keys(
                kind,
                "ASIA" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16)),
                secrets.token_urlsafe(30) + "+/=",
                secrets.token_urlsafe(60) + "+/==",
                now + self.lifetime,
            )
            self.given.append(made)
            self._changed.notify_all()
            return made

    def _container(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != self.container_token:
            return Reply(401, json.dumps({"code": "InvalidAuthToken", "message": "the token is not the one"}), "application/json")
        return Reply(200, json.dumps({"RoleArn": ROLE_ARN} | self._keys("container").as_json()), "application/json")

    def _sts(self, asked: Asked) -> Reply:
        form = {name: values[0] for name, values in parse_qs(asked.body, keep_blank_values=True).items()}
        action = form.get("Action")
        if form.get("Version") != "2011-06-15" or not asked.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return sts_error(400, "InvalidAction", "Could not find operation")
        if action == "GetCallerIdentity":
            return self._caller(asked)
        if action != "AssumeRoleWithWebIdentity" or "authorization" in asked.headers:
            return sts_error(400, "InvalidAction", f"not taken here: {action}")
        if form.get("RoleArn") != ROLE_ARN or not SESSION_NAME.fullmatch(form.get("RoleSessionName", "")):
            return sts_error(400, "ValidationError", "RoleArn or RoleSessionName failed to satisfy constraint")
        if form.get("WebIdentityToken") not in self.web_tokens:
            return sts_error(400, "ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time")
        keys = self._keys("sts")
        credentials = {"AccessKeyId": keys.id, "SecretAccessKey": keys.secret, "SessionToken": keys.token, "Expiration": keys.expiration}
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in credentials.items())
        return sts_reply("AssumeRoleWithWebIdentity", f"<Credentials>{inner}</Credentials>")

    def _caller(self, asked: Asked) -> Reply:
        """Whose key it is; the signature itself is a judge's to check."""
        found = re.match(r"AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/[a-z0-9-]+/sts/aws4_request, ", asked.headers.get("authorization", ""))
        keys = self.keys_of(found.group(1)) if found else None
        if keys is None or asked.headers.get("x-amz-security-token", "") != keys.token:
            return sts_error(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        if keys.expires < time.time():
            return sts_error(403, "ExpiredToken", "The security token included in the request is expired")
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/{keys.kind}"
        return sts_reply("GetCallerIdentity", f"<Arn>{arn}</Arn><UserId>AROAEXAMPLE:{keys.kind}</UserId><Account>{ACCOUNT}</Account>")

    def _imds_token(self, asked: Asked) -> Reply:
        seconds = asked.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if asked.method != "PUT" or not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
            return Reply(400)
        token = secrets.token_urlsafe(40) + "=="
        with self._changed:
            self._sessions[token] = time.time() + int(seconds)
        return Reply(200, token, headers={"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": seconds})

    def _imds(self, asked: Asked) -> Reply:
        token = asked.headers.get("x-aws-ec2-metadata-token")
        if (token is None and not self.imds_v1) or (token is not None and self._sessions.get(token, 0) < time.time()):
            return Reply(401)
        document = {"accountId": ACCOUNT, "architecture": "x86_64", "availabilityZone": f"{REGION}a", "imageId": "ami-0a1b2c3d",
                    "instanceId": "i-0123456789abcdef0", "instanceType": "t3.micro", "region": REGION, "privateIp": "10.0.0.1"}  # fmt: skip
        if asked.path == ROLES_PATH:
            return Reply(200, ROLE)
        if asked.path == ROLES_PATH + ROLE:
            facts = {"Code": "Success", "LastUpdated": "2026-01-01T00:00:00Z", "Type": "AWS-HMAC"}
            return Reply(200, json.dumps(facts | self._keys("imds").as_json()))
        texts = {
            "/latest/dynamic/instance-identity/document": json.dumps(document),
            "/latest/meta-data/placement/region": REGION,
            "/latest/meta-data/hostname": "ip-10-0-0-1.us-west-2.compute.internal",
        }
        return Reply(200, texts[asked.path]) if asked.path in texts else Reply(404)

    def _task(self, asked: Asked) -> Reply:
        container = {"DockerId": "158d1c8083dd49d6b527399fd6414f5c-2495160603", "Name": "app", "Image": "app:1", "LogDriver": "awslogs",
                     "LogOptions": {"awslogs-group": "/ecs/app", "awslogs-region": REGION, "awslogs-stream": "app/1"},
                     "ContainerARN": f"arn:aws:ecs:{REGION}:{ACCOUNT}:container/abb51bdd"}  # fmt: skip
        task = {"Cluster": "default", "TaskARN": TASK_ARN, "Family": "app", "Revision": "7", "AvailabilityZone": f"{REGION}a",
                "LaunchType": "FARGATE", "Containers": [container]}  # fmt: skip
        return Reply(200, json.dumps(container if asked.path == "/v4/container" else task), "application/json")


def kind_of(method: str, path: str) -> str:
    if path.startswith("/v1/credentials") or path.startswith("/v2/credentials"):
        return "container"
    if path in ("/v4/container", "/v4/container/task"):
        return "task"
    if path == "/latest/api/token":
        return "imds-token"
    if path.startswith("/latest/"):
        return "imds"
    return "sts" if method == "POST" and path == "/" else "unknown"


def sts_reply(action: str, inner: str) -> Reply:
    uri = "https://sts.amazonaws.com/doc/2011-06-15/"
    meta = "<ResponseMetadata><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ResponseMetadata>"
    return Reply(200, f'<{action}Response xmlns="{uri}">\n<{action}Result>{inner}</{action}Result>{meta}</{action}Response>', XML)


def sts_error(status: int, code: str, message: str) -> Reply:
    uri = "https://sts.amazonaws.com/doc/2011-06-15/"
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return Reply(status, f'<ErrorResponse xmlns="{uri}">\n{error}<RequestId>0</RequestId></ErrorResponse>', XML)


def _handler_for(identity: AwsIdentity) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        wbufsize = -1  # one write for head and body

        def log_message(self, *_: Any) -> None:
            """Nobody reads an access log."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            path = self.path
            reply = identity.answer(Asked(kind_of(self.command, path), self.command, path, headers, body))
            if reply is None:
                self.close_connection = True
                return
            data = reply.body.encode()
            self.send_response_only(reply.status)
            self.send_header("Date", formatdate(usegmt=True))
            self.send_header("Content-Type", reply.content_type)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _serve

    return Handler
