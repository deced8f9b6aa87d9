"""`forager doctor` asks each destination whether it would deliver, and says the fix where it wouldn't."""

from __future__ import annotations

import json
import socket
import time

import pytest
from aws_identity import AwsIdentity
from aws_judge import KEY_ID, SECRET, AwsJudge, Fault
from forager import run
from judge import Judge
from rollbar_judge import TOKEN, RollbarJudge

REGION = "eu-west-1"
CREDENTIALS = 77  # the exit code when a destination refuses
# what this machine happens to have is test_doctor_machine's
MACHINE = {f"FORAGER_{name}_LISTEN": "127.0.0.1:0" for name in ("OTLP_HTTP", "OTLP_GRPC", "ADMIN")} | {"FORAGER_JOURNAL": "memory"}


def doctor(*flags: str, **settings: str) -> tuple[int, list[dict[str, str]]]:
    result = run("doctor", "--json", *flags, timeout=60, **MACHINE | settings)
    assert SECRET not in result.stdout + result.stderr and TOKEN not in result.stdout + result.stderr
    assert result.stdout, result.stderr
    return result.returncode, json.loads(result.stdout)["findings"]


def of(findings: list[dict[str, str]], name: str, level: str = "") -> str:
    return "\n".join(each["what"] + " " + each.get("fix", "") for each in findings if each["of"] == name and level in ("", each["level"]))


@pytest.fixture
def aws():
    with AwsJudge(region=REGION) as judge:
        yield judge


@pytest.fixture
def settings(aws):
    with AwsIdentity() as identity:
        yield {
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_STS": identity.url,
            "FORAGER_XRAY_ENDPOINT": aws.url,
            "FORAGER_CLOUDWATCH_ENDPOINT": aws.url,
        }


def test_all_is_well(world, aws, settings):
    """Scenario: four destinations, all well. Guarantees: exit 0, each is named with what it takes, and nothing is stored anywhere."""
    with RollbarJudge() as rollbar:
        code, findings = doctor(
            **world.settings(), **settings, ROLLBAR_ACCESS_TOKEN=TOKEN, FORAGER_ROLLBAR_ENDPOINT=rollbar.url
        )
        assert not rollbar.items
    assert code == 0, findings
    assert "knows the key: team" in of(findings, "honeycomb", "ok")
    assert "takes traces" in of(findings, "xray", "ok")
    assert "takes logs" in of(findings, "cloudwatch", "ok")
    assert "takes the token" in of(findings, "rollbar", "ok")
    assert "AKID" in of(findings, "AWS", "ok")
    assert sum(aws.counts.values()) == 0 and sum(world.judge.counts.values()) == 0 and not aws.groups


def test_the_right_to_create_is_tried_when_it_is_asked_for(aws, settings):
    """Scenario: the log group is missing. Guarantees: nothing is made and doctor says that it wasn't tried; with --create it is made, or
    the missing right is named with its statement."""
    _, findings = doctor(**settings)
    assert "was not tried" in of(findings, "cloudwatch", "ok"), findings
    assert not aws.groups
    code, findings = doctor("--create", **settings)
    assert code == 0 and "may create them" in of(findings, "cloudwatch", "ok"), findings
    assert aws.groups == {"/forager/forager-doctor": {"otlp"}}
    aws.groups.clear()
    aws.faults.append(Fault("denied", times=None, when=lambda received: received.operation.startswith("Create")))
    code, findings = doctor("--create", **settings)
    assert code == CREDENTIALS and "logs:CreateLogStream" in of(findings, "cloudwatch", "failure"), findings


def test_a_missing_permission_comes_with_the_statement(aws, settings):
    """Scenario: the role may not write. Guarantees: a failure each, with the IAM statement to add; exit 77."""
    aws.faults.append(Fault("denied", times=None))
    code, findings = doctor(**settings)
    assert code == CREDENTIALS
    for name, action in [("xray", "xray:PutSpans"), ("cloudwatch", "logs:PutLogEvents")]:
        words = of(findings, name, "failure")
        assert action in words and '"Effect":"Allow"' in words, words


def test_transaction_search_off_is_explained(aws, settings):
    aws.faults.append(Fault("tracing_off", times=None))
    code, findings = doctor(**settings, FORAGER_DESTINATIONS="traces=xray")
    assert code == CREDENTIALS
    assert "update-trace-segment-destination" in of(findings, "xray", "failure")


def test_wrong_credentials_and_a_wrong_clock_are_told_apart(aws, settings):
    code, findings = doctor(**(settings | {"AWS_SECRET_ACCESS_KEY": "wrong"}))
    assert code == CREDENTIALS and of(findings, "xray", "failure"), findings
    aws.clock = lambda: time.time() + 1800
    code, findings = doctor(**settings)
    assert "ahead of ours" in of(findings, "xray", "warning"), findings


def test_no_credentials_and_nobody_there(settings):
    """Scenario: no credentials at all, and a port where nobody listens. Guarantees: both are failures with what to set or to look at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{probe.getsockname()[1]}"
        code, findings = doctor(
            AWS_REGION=REGION, AWS_EC2_METADATA_DISABLED="true", FORAGER_DESTINATIONS="traces=xray,otlp", FORAGER_OTLP_ENDPOINT=dead
        )
    assert code == 1
    assert "AWS_ACCESS_KEY_ID" in of(findings, "AWS", "failure") + of(findings, "xray", "failure"), findings
    otlp = next(each for each in findings if each["of"] == "otlp")
    assert otlp["level"] == "failure" and dead.rpartition(":")[2] in otlp["what"], otlp
    assert otlp["fix"].startswith("check the endpoint"), "the fix is by itself"


def test_a_wrong_token_and_a_wrong_key_say_where_to_get_another():
    with RollbarJudge() as rollbar, Judge() as honeycomb:
        code, findings = doctor(
            HONEYCOMB_API_KEY="hcaik_" + "x" * 58,
            HONEYCOMB_API_ENDPOINT=honeycomb.url,
            SSL_CERT_FILE=str(honeycomb.ca_file),
            ROLLBAR_ACCESS_TOKEN="0" * 32,
            FORAGER_ROLLBAR_ENDPOINT=rollbar.url,
        )
    assert code == CREDENTIALS
    assert "post_server_item" in of(findings, "rollbar", "failure")
    assert of(findings, "honeycomb").count("copy the key anew") == 1, findings


def test_people_read_lines(world):
    result = run("doctor", timeout=60, **world.settings() | MACHINE)
    assert result.returncode == 0, result
    assert any(line.startswith("ok       honeycomb") for line in result.stdout.splitlines()), result.stdout
