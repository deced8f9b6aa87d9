"""The image as it ships: what is in it, how large it is, what it may, and that it lives and stops well."""

from __future__ import annotations

import gzip
import re
import subprocess
import tarfile
import time
from datetime import datetime
from pathlib import Path

import pytest
from engine import IMAGE, inspect, podman, succeeds
from forager import wait_until

STRICT = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none", "--memory=128m")
EXPECTED = re.compile(
    r"""usr/bin/forager
    | lib(64)?/([a-z0-9_]+-linux-gnu/)?(ld-linux[\w.-]*|lib[\w.+-]+)\.so[.\d]*   # libraries and their loader
    | etc/(passwd|group|nsswitch\.conf) | etc/ssl/certs/ca-certificates\.crt | usr/lib/ssl/cert\.pem
    | usr/share/doc/[\w.+-]+/copyright | usr/share/doc/forager/LICENSE
    """,
    re.X,
)
ENGINES_OWN = {"etc/hostname", "etc/hosts", "etc/resolv.conf", "run/.containerenv", "proc", "sys", "dev", "run"}
MB = 1_000_000


@pytest.fixture(scope="module")
def contents(tmp_path_factory) -> list[tarfile.TarInfo]:
    file = tmp_path_factory.mktemp("image") / "root.tar"
    name = podman("create", IMAGE).strip()
    try:
        podman("export", "-o", str(file), name)
    finally:
        podman("rm", name)
    with tarfile.open(file) as root:
        return root.getmembers()


@pytest.fixture
def container():
    """A running one under the strictest rules; its name."""
    name = podman("run", "-d", *STRICT, IMAGE).strip()
    yield name
    podman("rm", "-f", "-t", "0", name)


def test_it_holds_what_it_needs_and_nothing_else(contents):
    """No shell, no package manager, nothing forgotten by the build."""
    files = [each.name for each in contents if not each.isdir() and each.name not in ENGINES_OWN]
    assert [name for name in files if not EXPECTED.fullmatch(name)] == []
    assert "usr/bin/forager" in files and "etc/ssl/certs/ca-certificates.crt" in files


def test_nobody_but_root_could_change_it_and_nothing_gains_rights(contents):
    """Only the volume belongs to the user; no setuid, setgid or file that all may write."""
    for each in contents:
        if each.name in ENGINES_OWN or each.issym():
            continue
        owner = 65532 if each.name == "var/lib/forager" else 0
        assert (each.uid, each.gid) == (owner, owner), each.name
        assert not each.mode & 0o6000 and (each.name == "tmp" or not each.mode & 0o002), each.name


def test_it_is_small(contents, tmp_path, record_property):
    """At most 15 MB of binary and 25 MB of image as a registry stores it."""
    [binary] = [each.size for each in contents if each.name == "usr/bin/forager"]
    archive = tmp_path / "image.tar"
    podman("save", "-o", str(archive), IMAGE)
    compressed = len(gzip.compress(archive.read_bytes(), 6))
    said = f"binary {binary / MB:.1f} MB, image {archive.stat().st_size / MB:.1f} MB, compressed {compressed / MB:.1f} MB"
    print(said)
    record_property("size", said)
    assert binary <= 15 * MB and compressed <= 25 * MB, said


def test_its_configuration_is_that_of_a_sidecar():
    """Not root, the check of a container without a shell, SIGTERM, one volume."""
    config = inspect("image", IMAGE)["Config"]
    assert config["User"] == "65532:65532" and config["Entrypoint"] == ["/usr/bin/forager"]
    assert config["StopSignal"] == "SIGTERM" and list(config["Volumes"]) == ["/var/lib/forager"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert re.fullmatch(r"\d+\.\d+\.\d+", config["Labels"]["org.opencontainers.image.version"])
    assert inspect("image", IMAGE)["Healthcheck"]["Test"] == ["CMD", "/usr/bin/forager", "healthcheck"]


def test_it_has_no_shell():
    """Neither has anybody who breaks in."""
    for shell in ("sh", "/bin/sh", "/bin/bash", "/usr/bin/env"):
        assert not succeeds("run", "--rm", "--network=none", "--entrypoint", shell, IMAGE, "-c", "true")


def test_it_lives_with_nothing_but_its_binary(container):
    """Read-only root, no capabilities, no network: healthy in less than a second, and with the rights of nobody."""
    wait_until(lambda: succeeds("exec", container, "/usr/bin/forager", "healthcheck", "--ready"), 10, "health")
    now = time.time()
    state = inspect("container", container)["State"]
    started = datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", state["StartedAt"])).timestamp()
    print(f"healthy {now - started:.2f} s after its start, two engine calls included")
    assert now - started < 1
    status = Path(f"/proc/{state['Pid']}/status").read_text()
    assert re.search(r"^Uid:(\s+65532){4}$", status, re.M) and re.search(r"^Groups:\s*(65532)?\s*$", status, re.M)
    for kind in ("CapEff", "CapPrm", "CapBnd"):
        assert re.search(rf"^{kind}:\s+0+$", status, re.M), status
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.M)
    assert succeeds("healthcheck", "run", container)


def test_it_takes_data_and_stops_with_its_ledger(container):
    """The demo inside of it; then the engine's stop: exit 0 within the grace, as process 1."""
    wait_until(lambda: succeeds("exec", container, "/usr/bin/forager", "healthcheck"), 10, "health")
    assert "sent 1 trace of 12 spans" in podman("exec", container, "/usr/bin/forager", "demo")
    before = time.monotonic()
    podman("stop", "-t", "10", container)
    assert time.monotonic() - before < 8
    assert inspect("container", container)["State"]["ExitCode"] == 0
    ledger = podman("logs", container).splitlines()[-1]
    assert ledger.startswith("ledger: ") and "hive: 12 delivered" in ledger


def test_its_libraries_are_all_there():
    """A wrong start-up says what is wrong, with our exit code, not the loader's 127."""
    done = subprocess.run(["podman", "run", "--rm", "--network=none", "-e", "FORAGER_STOP_GRACE=8", IMAGE],
                          capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 64 and "has no unit" in done.stderr, done
