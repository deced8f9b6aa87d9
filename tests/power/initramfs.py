"""The machine's files, all in memory: busybox, the programs with their libraries, kernel modules; as a cpio archive (newc)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from kernel import Kernel, Unprepared, program

HERE = Path(__file__).parent


def libraries(binary: Path) -> list[Path]:
    """What the loader finds for it here, the loader included."""
    said = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=True).stdout
    if missing := re.findall(r"(\S+) => not found", said):
        raise Unprepared(f"{binary} needs {', '.join(missing)}, which is not installed here")
    return [Path(each) for each in re.findall(r"(/\S+) \(0x", said)]


def stripped(binary: Path, directory: Path) -> Path:
    """A copy without symbols: what has to be unpacked in a slow machine is small."""
    made = directory / f"{binary.name}.stripped"
    subprocess.run([program("strip"), "-o", str(made), str(binary)], check=True)
    return made


def build(to: Path, kernel: Kernel, forager: Path, guest: Path, environment: dict[str, str]) -> Path:
    """Writes the archive to `to`. `environment` is what `forager` is started with."""
    files: dict[str, tuple[bytes, int]] = {
        "init": ((HERE / "guest-init").read_bytes(), 0o755),
        "bin/busybox": (Path(program("busybox")).read_bytes(), 0o755),
        "forager": (stripped(forager, to.parent).read_bytes(), 0o755),
        "power_guest": (stripped(guest, to.parent).read_bytes(), 0o755),
        "environment": ("".join(f"export {name}='{value}'\n" for name, value in environment.items()).encode(), 0o644),
        "modules/order": ("\n".join(each.name for each in kernel.modules).encode(), 0o644),
    }
    for module in kernel.modules:
        files[f"modules/{module.name}"] = (module.read_bytes(), 0o644)
    for library in libraries(forager):
        files[str(library).lstrip("/")] = (library.read_bytes(), 0o755)
    to.write_bytes(b"".join(_archive(files)))
    return to


def _archive(files: dict[str, tuple[bytes, int]]) -> Iterator[bytes]:
    made: set[Path] = set()
    for name, (content, mode) in files.items():
        for parent in reversed(Path(name).parents[:-1]):
            if parent not in made:
                made.add(parent)
                yield _entry(str(parent), 0o040755, b"")
        yield _entry(name, 0o100000 | mode, content)
    yield _entry("TRAILER!!!", 0, b"")


def _entry(name: str, mode: int, content: bytes) -> bytes:
    encoded = name.encode() + b"\0"
    # magic, inode, mode, uid, gid, links, mtime, size, device and rdevice as major and minor, length of the name, checksum
    numbers = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % each for each in numbers) + encoded
    return _padded(head) + _padded(content)


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % 4)
