"""The files for Kubernetes, built by kustomize, decoded by Kubernetes' own types, and held against what a sidecar has to be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from forager import ROOT, run

FOLDER = ROOT / "deploy/kubernetes"
SOURCES = ROOT / "tests/deploy/kubernetes"
MI = {"Mi": 1, "Gi": 1024, "MiB": 1, "GiB": 1024}


@pytest.fixture(scope="module")
def manifests() -> str:
    """tests/deploy/kubernetes, built."""
    if shutil.which("go") is None:
        if os.environ.get("FORAGER_REQUIRE_INTEROP"):
            pytest.fail("no go on this machine, and FORAGER_REQUIRE_INTEROP asks for it")
        pytest.skip("no go on this machine")
    made = ROOT / ".cache/interop/manifests"
    made.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "build", "-o", str(made), "."], cwd=SOURCES, check=True, timeout=600)
    return str(made)


def judge(manifests: str, folder) -> subprocess.CompletedProcess[str]:
    return subprocess.run([manifests, str(folder)], capture_output=True, text=True, timeout=60, check=False)


def objects(manifests: str, folder) -> dict[str, dict]:
    done = judge(manifests, folder)
    assert done.returncode == 0, done.stderr
    return {each["kind"]: each for each in json.loads(done.stdout)}


def pod(of: dict) -> dict:
    return of["spec"]["template"]["spec"]


def mebibytes(said: str) -> int:
    unit = said.lstrip("0123456789")
    return int(said.removesuffix(unit)) * MI[unit]


@pytest.fixture(params=["base", "overlays/persistent"])
def built(request, manifests) -> dict:
    """The pod of each form."""
    them = objects(manifests, FOLDER / request.param)
    return pod(them.get("Deployment") or them["StatefulSet"])


def test_it_is_a_native_sidecar(built):
    """It starts before the app, is waited for, and is told to stop after it."""
    [forager] = built["initContainers"]
    [app] = built["containers"]
    assert forager["restartPolicy"] == "Always"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        command = forager[probe]["exec"]["command"]
        assert run(*command[1:], FORAGER_ADMIN_LISTEN="127.0.0.1:1").returncode == 1, command  # known to the binary: not 64
    assert "--live" in forager["livenessProbe"]["exec"]["command"], "a destination that is away must not restart it"
    settings = {each["name"]: each for each in forager["env"]}
    grace = int(settings["FORAGER_STOP_GRACE"]["value"].removesuffix("s"))
    assert 30 + grace < built["terminationGracePeriodSeconds"]
    assert settings["FORAGER_APP_CONTAINER"]["value"] == app["name"]
    assert {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://localhost:4318"} in app["env"]


def test_forager_takes_these_settings(built, tmp_path):
    """Each variable is one of Forager's, with a value that it takes; what the downward API gives comes as a word here."""
    key = tmp_path / "key"
    key.write_text("hcaik_01" + "c" * 56)
    given = {each["name"]: each.get("value", "word") for each in built["initContainers"][0]["env"]}
    given |= {"HONEYCOMB_API_KEY_FILE": str(key), "FORAGER_DATA_DIR": str(tmp_path)}
    done = run("check", **given)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_key_is_a_mounted_secret(built):
    """Not a variable: a mounted one follows its changes without a restart. It is where the setting looks, for Forager's group to read."""
    [forager] = built["initContainers"]
    [secret] = [each for each in built["volumes"] if "secret" in each]
    [where] = [each["mountPath"] for each in forager["volumeMounts"] if each["name"] == secret["name"]]
    assert {"name": "HONEYCOMB_API_KEY_FILE", "value": f"{where}/honeycomb_api_key"} in forager["env"]
    assert secret["secret"]["defaultMode"] == 0o440 and built["securityContext"]["fsGroup"] == forager["securityContext"]["runAsGroup"]
    assert not any("subPath" in each for each in forager["volumeMounts"]), "a subPath never changes"
    page = (ROOT / "docs/platforms/kubernetes.md").read_text()
    assert f"kubectl create secret generic {secret['secret']['secretName']} --from-file=honeycomb_api_key" in page


def test_the_journal_has_room(manifests):
    """Pods are evicted above the size of an emptyDir; a claim has to hold the journal too."""
    base = pod(objects(manifests, FOLDER / "base")["Deployment"])
    [size] = [each["emptyDir"]["sizeLimit"] for each in base["volumes"] if "emptyDir" in each]
    journal = next(each["value"] for each in base["initContainers"][0]["env"] if each["name"] == "FORAGER_JOURNAL_BYTES")
    assert mebibytes(size) >= mebibytes(journal) * 5 / 4
    kept = objects(manifests, FOLDER / "overlays/persistent")
    assert "Deployment" not in kept
    [claim] = kept["StatefulSet"]["spec"]["volumeClaimTemplates"]
    assert mebibytes(claim["spec"]["resources"]["requests"]["storage"]) >= mebibytes(journal) * 5 / 4
    mounted = {each["name"] for each in pod(kept["StatefulSet"])["initContainers"][0]["volumeMounts"]}
    assert claim["metadata"]["name"] in mounted
    assert claim["metadata"]["name"] not in {each["name"] for each in pod(kept["StatefulSet"])["volumes"]}
    assert kept["StatefulSet"]["spec"]["serviceName"] == kept["Service"]["metadata"]["name"]


@pytest.mark.parametrize(("old", "new", "words"), [
    ("restartPolicy: Always", "restartpolicy: Always", "unknown field"),
    ("failureThreshold: 30", "failureThreshold: thirty", "failureThreshold"),
    ("runAsNonRoot: true", "runAsNonRoot: false", "restricted"),
    ("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: true\n            privileged: true", "restricted"),
])  # fmt: skip
def test_mistakes_would_be_found(manifests, tmp_path, old, new, words):
    """The judge sees a misspelt field, a wrong type, and a pod that the standard "restricted" doesn't allow."""
    shutil.copytree(FOLDER / "base", tmp_path / "base")
    file = tmp_path / "base/backend-flask.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    done = judge(manifests, tmp_path / "base")
    assert done.returncode == 1 and words in done.stderr, done
