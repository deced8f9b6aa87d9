"""The file system becomes read-only while Forager runs: what can't be kept is answered 503, with the reason, and what was kept arrives."""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import threading

import otlp
import pytest
from forager import EXIT_OK, wait_until

MiB = 1024 * 1024
PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


def need(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        # only root may mount; the other parameter needs no root
        refused = any(words in done.stderr for words in ("denied", "permitted", "failed to setup loop"))
        assert os.geteuid() != 0 or refused, done.stderr
        pytest.skip(f"{command[0]} needs rights that this user doesn't have: {done.stderr.strip()}")


class MountedOver:
    """A read-only mount of the same directory over it: the kernel answers EROFS to all that goes by a path."""

    words = "Read-only file system"

    def __init__(self, directory) -> None:
        self.directory = directory
        directory.mkdir()
        need("mount", "--bind", str(directory), str(directory))
        subprocess.run(["umount", str(directory)], check=True)

    def start(self, world, **settings: str):
        return world.start(**settings)

    def close_for_writing(self) -> None:
        subprocess.run(["mount", "--bind", str(self.directory), str(self.directory)], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", str(self.directory)], check=True)

    def open_for_writing(self) -> None:
        subprocess.run(["umount", "-l", str(self.directory)], check=True)

    def end(self) -> None:
        while os.path.ismount(self.directory):
            self.open_for_writing()


class NoPermission:
    """No root needed: the directory loses its write bit. Root's override of such bits is taken from the Forager that is started."""

    words = "Permission denied"

    def __init__(self, directory) -> None:
        self.directory = directory
        directory.mkdir()

    def start(self, world, **settings: str):
        """Capabilities are a thread's: what this one gives up, its children don't have."""
        libc = ctypes.CDLL(None, use_errno=True)
        launched = []

        def launch() -> None:
            if os.geteuid() == 0:
                assert libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0) == 0
                assert libc.prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0) == 0
            launched.append(world.launch(**settings))

        thread = threading.Thread(target=launch)
        thread.start()
        thread.join()
        return launched[0].wait_ready()

    def close_for_writing(self) -> None:
        self.directory.chmod(stat.S_IRUSR | stat.S_IXUSR)

    def open_for_writing(self) -> None:
        self.directory.chmod(stat.S_IRWXU)

    def end(self) -> None:
        self.open_for_writing()


class Image:
    """An ext4 file system in a file, told to become read-only at the first error, as most are; the kernel can be asked for one."""

    def __init__(self, directory) -> None:
        self.directory, self._image = directory / "mounted", directory / "image"
        self.directory.mkdir(parents=True)
        with self._image.open("wb") as file:
            file.truncate(256 * MiB)
        need("mkfs.ext4", "-q", "-F", str(self._image))
        self.mount()

    def mount(self) -> None:
        need("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.directory))

    def fail(self) -> None:
        device = subprocess.run(["findmnt", "-no", "SOURCE", str(self.directory)], check=True, capture_output=True, text=True)
        trigger = f"/sys/fs/ext4/{os.path.basename(device.stdout.strip())}/trigger_fs_error"
        try:
            with open(trigger, "w", encoding="ascii") as file:
                file.write("as a test asks for")
        except OSError as why:
            # a kernel without the file, or a container that may not write it; the two other parameters need neither
            pytest.skip(f"the kernel can't be asked for an error of the file system: {why}")

    def repair(self) -> None:
        """As an operator would: not mounted, checked, mounted again."""
        subprocess.run(["umount", str(self.directory)], check=True)
        checked = subprocess.run(["e2fsck", "-y", str(self._image)], capture_output=True, text=True)
        assert checked.returncode <= 1, checked.stdout + checked.stderr
        self.mount()

    def end(self) -> None:
        if os.path.ismount(self.directory):
            subprocess.run(["umount", "-l", str(self.directory)], check=True)


@pytest.fixture(params=[MountedOver, NoPermission], ids=["mounted over", "no permission"])
def directory(request, tmp_path, world):  # after `world` begins, so before it ends
    it = request.param(tmp_path / "data")
    try:
        yield it
        for forager in world.foragers:
            if forager.running:
                world.check_books(forager)
                assert forager.terminate() == EXIT_OK
    finally:
        it.end()


def big():
    return otlp.traces(10, padding="x" * 5000)


def check_refusal(forager, refused, data, words: str) -> None:
    """The app is told when to come back; a person where to look and what it is; the pod isn't taken down for it."""
    assert refused.status == 503 and refused.retry_after >= 1
    assert words in refused.message, refused.message
    door = next(each for each in forager.ledger()["door"] if each["signal"] == "traces")
    assert {each["reason"] for each in door["refused"] if each["requests"]} == {"disk"}
    assert forager.get("/readyz")[0] == 200
    [warning] = [each for each in forager.status()["warnings"] if "disk" in each]
    assert str(data) in warning and "503" in warning and words in warning, warning
    assert forager.wait_for_line(f"the disk takes nothing.*{words}")


def test_on_a_read_only_file_system_apps_are_told_to_wait_and_it_recovers_by_itself(world, directory):
    """Scenario: the destination is down; then nothing can be created in the data directory any more, later it can again.
    Guarantees: 503 with Retry-After and words as soon as the open segment is full; /status says why and where; /readyz stays 200;
    requests are taken again without a restart; everything that was answered 200 arrives, once."""
    world.judge.down()
    forager = directory.start(world, FORAGER_DATA_DIR=str(directory.directory), FORAGER_JOURNAL_BYTES="8MiB")
    sender = world.sender()
    for _ in range(10):
        assert sender.post("traces", big()).status == 200
    directory.close_for_writing()
    _, refused = sender.post_until_refused("traces", big, limit=100)
    check_refusal(forager, refused, directory.directory, directory.words)
    for _ in range(3):
        assert sender.post("traces", big()).status == 503, "nothing is taken that can't be kept"
    directory.open_for_writing()
    wait_until(lambda: sender.post("traces", big()).status == 200, 10, "a request that is taken", every=0.1)
    assert not [each for each in forager.status()["warnings"] if "disk takes nothing" in each]
    forager.wait_for_line("the disk takes data again")
    world.judge.up()
    forager.wait_settled(30)
    assert not world.missing() and world.judge.repeats == 0


def test_what_was_answered_survives_a_file_system_that_made_itself_read_only(world, tmp_path):
    """Scenario: the destination is down; ext4 meets an error and makes itself read-only under the open segment, for good; later the
    destination is up, Forager goes on and is stopped, the file system is repaired, and Forager is started again.
    Guarantees: not one more 200 from the error on; /status says why, /readyz stays 200; what was answered 200 is delivered from
    memory and from what can still be read; after the repair requests are taken again and nothing is missing."""
    image = Image(tmp_path / "disk")
    try:
        world.judge.down()
        settings = {"FORAGER_DATA_DIR": str(image.directory / "data"), "FORAGER_JOURNAL_BYTES": "32MiB"}
        forager = world.start(**settings)
        sender = world.sender()
        for _ in range(30):
            assert sender.post("traces", big()).status == 200
        image.fail()
        refused = sender.post("traces", big())
        check_refusal(forager, refused, image.directory, "Read-only file system")
        for _ in range(3):
            assert sender.post("traces", big()).status == 503
        world.judge.up()
        forager.wait_settled(30)
        assert not world.missing() and world.judge.repeats == 0
        world.check_books(forager)
        assert forager.terminate() == EXIT_OK
        image.repair()
        again = world.start(**settings)
        sender = world.sender()
        assert sender.post("traces", big()).status == 200
        again.wait_settled(30)
        assert not world.missing()
        assert again.terminate() == EXIT_OK
    finally:
        for forager in world.foragers:
            if forager.running:
                forager.kill()
        image.end()
