"""A kernel for the power-cut test's machine: the one that Debian's meta package names, kept under .cache/power."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache/power"
META_PACKAGE = "linux-image-cloud-amd64"
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "mkfs.ext4": "e2fsprogs",
    "strip": "binutils",
}
# In the order in which one needs the other; what is not a module of its own is built in.
MODULES = ("virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk")


class Unprepared(Exception):
    """Something that this test needs is not on this machine; the text says how to get it."""


@dataclass(frozen=True)
class Kernel:
    image: Path
    modules: tuple[Path, ...]  # in the order of MODULES


def program(name: str) -> str:
    """Where it is, also in the directories of the administrator."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not found:
        raise Unprepared(f"{name} is missing: apt-get install {' '.join(sorted(PROGRAMS.values()))}")
    return found


def _run(*command: str, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    except FileNotFoundError:
        raise Unprepared(f"no {command[0]}: the power-cut test takes its kernel from Debian") from None
    if done.returncode != 0:
        raise Unprepared(f"{' '.join(command)}: {done.stderr.strip()}; is the list of packages there (apt-get update)?")
    return done.stdout


def package() -> str:
    """What the meta package depends on today."""
    found = re.search(r"^ *Depends: (linux-image-\S+)", _run("apt-cache", "depends", META_PACKAGE), re.M)
    if not found:
        raise Unprepared(f"{META_PACKAGE} depends on no linux-image: is this Debian? apt-get update")
    return found[1]


def kernel() -> Kernel:
    """Downloaded and unpacked once; needs no root, and nothing is installed."""
    try:
        name = package()
    except Unprepared:  # offline with lists gone, but a kernel is here
        kept = sorted(CACHE.glob("linux-image-*"))
        if not kept:
            raise
        name = kept[-1].name
    directory = CACHE / name
    if not directory.exists():
        _unpack(name, directory)
    modules = [next(directory.rglob(f"{each}.ko"), None) for each in MODULES]
    return Kernel(next((directory / "boot").glob("vmlinuz-*")), tuple(each for each in modules if each))


def _unpack(name: str, directory: Path) -> None:
    partial = CACHE / f"partial-{name}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _run("apt-get", "-qq", "download", name, cwd=partial)
    [archive] = partial.glob("*.deb")
    _run("dpkg-deb", "--extract", str(archive), str(partial / "all"))
    kept = partial / "kept"
    for file in sorted((partial / "all").rglob("*")):
        if file.name.startswith("vmlinuz-") or (file.suffix == ".ko" and file.stem in MODULES):
            at = kept / file.relative_to(partial / "all")
            at.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, at)
    kept.rename(directory)
    shutil.rmtree(partial)
