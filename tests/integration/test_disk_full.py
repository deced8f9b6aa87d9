"""The disk takes nothing any more: apps are told to wait, what was answered 200 stays, and it goes on by itself when there is space."""

from __future__ import annotations

import os
import resource
import subprocess

import otlp
import pytest
from forager import EXIT_OK, wait_until

MiB = 1024 * 1024


class SmallDisk:
    """A file system of its own, which a filler can fill."""

    def __init__(self, directory, size: int) -> None:
        self.directory, self._filler = directory, directory / "filler"
        directory.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "small", str(directory)], capture_output=True, text=True)
        if done.returncode:
            # only root may mount; the other parameter, a limit on files, tests the same without root
            assert os.geteuid() != 0 or "denied" in done.stderr, done.stderr
            pytest.skip(f"mounting a small file system needs rights that this user doesn't have: {done.stderr.strip()}")

    def fill(self, _forager) -> None:
        with self._filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(MiB)):
                    pass
            except OSError:
                pass

    def free(self, _forager) -> None:
        self._filler.unlink()

    def resize(self, size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.directory)], check=True)

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.directory)], check=True)


class FileLimit:
    """No root needed: the process may write no byte of a file any more (RLIMIT_FSIZE), until that is taken back."""

    def __init__(self, directory) -> None:
        self.directory = directory
        directory.mkdir()

    def fill(self, forager) -> None:
        resource.prlimit(forager.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def free(self, forager) -> None:
        resource.prlimit(forager.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def close(self) -> None:
        pass


@pytest.fixture(params=["small file system", "file limit"])
def disk(request, tmp_path, world):  # after `world` begins, so before it ends
    it = SmallDisk(tmp_path / "disk", 96 * MiB) if request.param.startswith("small") else FileLimit(tmp_path / "disk")
    yield it
    for forager in world.foragers:
        if forager.running:
            world.check_books(forager)
            assert forager.terminate() == EXIT_OK
    it.close()


def big():
    return otlp.traces(10, padding="x" * 5000)


def refused_for(forager) -> set[str]:
    door = next(each for each in forager.ledger()["door"] if each["signal"] == "traces")
    return {each["reason"] for each in door["refused"] if each["requests"]}


def wait_taken(sender, timeout: float = 10) -> None:
    wait_until(lambda: sender.post("traces", big()).status == 200, timeout, "a request that is taken", every=0.1)


@pytest.mark.parametrize("killed", [False, True], ids=["", "and kill -9"])
def test_on_a_full_disk_apps_are_told_to_wait_and_it_recovers_by_itself(world, disk, killed):
    """Scenario: the destination is down and the disk fills up; perhaps the process is killed then and starts on the full disk; later
    there is space again.
    Guarantees: 503 with Retry-After and words; /status says why, where and what to do; /readyz stays 200; requests are taken again
    without a restart; everything that was answered 200 arrives."""
    world.judge.down()
    data = disk.directory / "data"
    settings = {"FORAGER_DATA_DIR": str(data), "FORAGER_JOURNAL_BYTES": "8MiB"}
    forager = world.start(**settings)
    sender = world.sender()
    for _ in range(20):
        assert sender.post("traces", big()).status == 200
    disk.fill(forager)
    _, refused = sender.post_until_refused("traces", big, limit=500)
    if killed:
        forager.kill()
        forager = world.start(**settings)
        disk.fill(forager)
        sender = world.sender()
        _, refused = sender.post_until_refused("traces", big, limit=1 if isinstance(disk, SmallDisk) else 500)
    assert refused.status == 503 and refused.retry_after >= 1
    assert "disk" in refused.message, refused.message
    assert refused_for(forager) == {"disk"}
    assert forager.get("/readyz")[0] == 200, "the app's pod must not go down for this"
    status = forager.status()
    [warning] = [each for each in status["warnings"] if "disk" in each]
    assert str(data) in warning and "503" in warning and "FORAGER_DATA_DIR" in warning, warning
    assert forager.wait_for_line("the disk takes nothing")
    disk.free(forager)
    wait_taken(sender)
    assert not [each for each in forager.status()["warnings"] if "disk takes nothing" in each]
    world.judge.up()
    forager.wait_settled(30)
    assert not world.missing() and world.judge.repeats == 0
    forager.wait_for_line("the disk takes data again")


def test_what_the_journal_leaves_to_others_follows_the_file_system(world, tmp_path):
    """Scenario: the file system has room for a few segments beside what is left to others; the destination is down; then the file
    system is made larger.
    Guarantees: 503 before others would lack space; requests are taken again without a restart; nothing answered 200 is lost."""
    disk = SmallDisk(tmp_path / "disk", 128 * MiB)
    try:
        world.judge.down()
        forager = world.start(FORAGER_DATA_DIR=str(disk.directory / "data"), FORAGER_JOURNAL_BYTES="160MiB")
        sender = world.sender()
        while (reply := sender.post("traces", otlp.traces(20, padding="x" * 20_000))).status == 200:
            pass
        assert reply.status == 503 and reply.retry_after >= 1
        used = forager.status()["journal"]["bytes"]
        assert 32 * MiB < used <= 64 * MiB, "64 MiB are left to others"
        disk.resize(256 * MiB)
        wait_taken(sender)
        world.judge.up()
        forager.wait_settled(30)
        assert not world.missing()
        assert forager.terminate() == EXIT_OK
    finally:
        for forager in world.foragers:
            if forager.running:
                forager.kill()
        disk.close()
