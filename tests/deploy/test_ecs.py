"""The files for ECS, held against AWS's own model of the API, Fargate's rules, and what Forager asks for."""

from __future__ import annotations

import json
import re

import pytest
from aws_identity import AwsIdentity
from aws_judge import KEY_ID, SECRET, AwsJudge, Fault
from botocore.model import ListShape, Shape, StructureShape
from botocore.session import get_session
from botocore.validate import ParamValidator
from forager import ROOT, run

FOLDER = ROOT / "deploy/ecs"
TASK = json.loads((FOLDER / "task-definition.json").read_text())
FORAGER, APP = TASK["containerDefinitions"]
# Fargate's sizes (PROTOCOLS 6.1): MiB by CPU units
SECRETS = {"HONEYCOMB_API_KEY": "hcaik_01" + "d" * 56, "ROLLBAR_ACCESS_TOKEN": "0" * 32}
SIZES = {"256": (512, 1024, 2048), "512": range(1024, 4097, 1024), "1024": range(2048, 8193, 1024)}


def policy(name: str) -> list[dict]:
    read = json.loads((FOLDER / f"{name}.json").read_text())
    assert read["Version"] == "2012-10-17"
    return read["Statement"]


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]


def actions(name: str) -> set[str]:
    return {action for statement in policy(name) for action in as_list(statement["Action"])}


def wrong_words(shape: Shape, value, where: str = "") -> list[str]:
    """botocore's validator leaves enumerations to the server."""
    if isinstance(shape, StructureShape):
        return [each for name, inner in value.items() for each in wrong_words(shape.members[name], inner, f"{where}.{name}")]
    if isinstance(shape, ListShape):
        return [each for index, inner in enumerate(value) for each in wrong_words(shape.member, inner, f"{where}[{index}]")]
    allowed = getattr(shape, "enum", None)
    return [f"{where}: {value}"] if allowed and value not in allowed else []


def register_task_definition() -> StructureShape:
    return get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition").input_shape


def test_the_task_definition_is_one():
    """As the SDK checks it before it sends anything: names, types, ranges; and the words that only the server would refuse."""
    report = ParamValidator().validate(TASK, register_task_definition())
    assert not report.has_errors(), report.generate_report()
    assert wrong_words(register_task_definition(), TASK) == []


@pytest.mark.parametrize("change", [
    {"stopTimeOut": 120}, {"stopTimeout": "120"}, {"healthCheck": {"interval": 5}}, {"dependsOn": [{"containerName": "x", "condition": "WELL"}]},
])  # fmt: skip
def test_mistakes_would_be_found(change):
    """The judges above see a misspelt name, a wrong type, a missing member and a word that doesn't exist."""
    wrong = TASK | {"containerDefinitions": [FORAGER | change, APP]}
    report = ParamValidator().validate(wrong, register_task_definition())
    assert report.has_errors() or wrong_words(register_task_definition(), wrong)


def test_the_volume_of_the_page_fits_in():
    """The EFS volume of docs/platforms/ecs.md, in place of the one on ephemeral storage."""
    [volume] = [json.loads(each) for each in re.findall(r"^```json\n(.*?)^```$", (ROOT / "docs/platforms/ecs.md").read_text(), re.M | re.S)]
    assert volume["name"] == TASK["volumes"][0]["name"]
    changed = TASK | {"volumes": [volume]}
    report = ParamValidator().validate(changed, register_task_definition())
    assert not report.has_errors() and wrong_words(register_task_definition(), changed) == [], report.generate_report()


def test_fargate_would_take_it():
    """Sizes that exist, containers that fit in, timeouts that are allowed, and no setting that Fargate doesn't have."""
    assert TASK["requiresCompatibilities"] == ["FARGATE"] and TASK["networkMode"] == "awsvpc"
    assert int(TASK["memory"]) in SIZES[TASK["cpu"]]
    assert sum(each.get("memory", 0) for each in TASK["containerDefinitions"]) < int(TASK["memory"])
    assert all(each.get("stopTimeout", 30) <= 120 for each in TASK["containerDefinitions"])
    check = FORAGER["healthCheck"]
    assert 5 <= check["interval"] <= 300 and 2 <= check["timeout"] <= 60 and 1 <= check["retries"] <= 10 and check["startPeriod"] <= 300
    assert not any({"links", "hostname", "privileged", "dnsServers"} & each.keys() for each in TASK["containerDefinitions"])
    volumes = {each["name"] for each in TASK["volumes"]}
    assert {each["sourceVolume"] for each in FORAGER["mountPoints"]} <= volumes


def test_forager_starts_first_and_stops_last():
    """The app waits for a healthy Forager; stopping goes the other way, and Forager's own grace ends before ECS kills it."""
    assert APP["dependsOn"] == [{"containerName": FORAGER["name"], "condition": "HEALTHY"}] and APP["essential"]
    grace = next(each["value"] for each in FORAGER["environment"] if each["name"] == "FORAGER_STOP_GRACE")
    assert int(grace.removesuffix("s")) + 5 <= FORAGER["stopTimeout"]
    command = FORAGER["healthCheck"]["command"]
    assert command[0] == "CMD", "the image has no shell"
    assert run(*command[2:], FORAGER_ADMIN_LISTEN="127.0.0.1:1").returncode == 1  # known to the binary: not 64


def test_forager_takes_these_settings(tmp_path):
    """Each variable, secrets included, is one of Forager's, with a value that it takes."""
    given = {each["name"]: each["value"] for each in FORAGER["environment"]} | {each["name"]: SECRETS[each["name"]] for each in FORAGER["secrets"]}
    done = run("check", **given, AWS_REGION="eu-west-1", FORAGER_DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert run("check", **(given | {"FORAGER_STOP_GRACE": "110"})).returncode == 64
    assert any(each["name"] == "FORAGER_APP_CONTAINER" and each["value"] == APP["name"] for each in FORAGER["environment"])


def test_the_task_role_allows_what_doctor_asks_for():
    """Scenario: AWS denies everything; doctor prints the statements that are missing. Guarantees: each of their actions is in the policy."""
    asked: set[str] = set()
    with AwsJudge(region="eu-west-1") as aws, AwsIdentity() as identity:
        aws.faults.append(Fault("denied", times=None))
        done = run("doctor", "--json", timeout=60, AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET, AWS_REGION="eu-west-1",
                   AWS_EC2_METADATA_DISABLED="true", AWS_ENDPOINT_URL_STS=identity.url,
                   FORAGER_XRAY_ENDPOINT=aws.url, FORAGER_CLOUDWATCH_ENDPOINT=aws.url)  # fmt: skip
    for found in json.loads(done.stdout)["findings"]:
        for statement in re.findall(r'\{"Effect":"Allow".*?\}', found.get("fix", "") + found["what"]):
            asked |= set(as_list(json.loads(statement)["Action"]))
    assert {"xray:PutSpans", "logs:PutLogEvents"} <= asked <= actions("task-role-policy"), asked


def test_the_task_role_allows_what_the_documentation_says():
    """Of X-Ray, CloudWatch Logs and apps with the X-Ray SDK."""
    said: set[str] = set()
    for page in ("xray", "xray-sdk", "cloudwatch"):
        said |= set(re.findall(r"\b(?:xray|logs):[A-Z][a-z]\w+", (ROOT / f"docs/destinations/{page}.md").read_text()))
    assert len(said) >= 8 and said <= actions("task-role-policy")


def test_the_execution_role_fetches_the_images_and_the_secrets():
    """Every action is an operation of AWS's, and every secret of the task is in its reach."""
    session = get_session()
    for action in actions("execution-role-policy"):
        service, operation = action.split(":")
        assert operation in session.get_service_model(service).operation_names, action
    reach = [arn for each in policy("execution-role-policy") if "ssm:GetParameters" in as_list(each["Action"]) for arn in as_list(each["Resource"])]
    for secret in FORAGER["secrets"]:
        assert any(re.fullmatch(re.escape(arn).replace(r"\*", ".*"), secret["valueFrom"]) for arn in reach), secret
    repositories = {arn.rpartition("/")[2] for each in policy("execution-role-policy") if each.get("Sid") == "Images" for arn in each["Resource"]}
    assert repositories == {each["image"].rpartition("/")[2].split(":")[0] for each in TASK["containerDefinitions"]}
    assert policy("trust-policy")[0]["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
