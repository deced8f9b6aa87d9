"""A container with systemd as process 1, in which the Debian package lives as it does on a machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from engine import podman
from forager import wait_until

PACKAGE = Path(os.environ.get("FORAGER_PACKAGE", "/nonexistent"))
RUNNING = ("running", "degraded")


def build_image(folder: Path) -> str:
    """The dependencies are those that the package names, so that one it doesn't name is missed."""
    depends = subprocess.run(["dpkg-deb", "-f", str(PACKAGE), "Depends"], check=True, capture_output=True, text=True).stdout
    names = " ".join(each.split()[0] for each in depends.split(","))
    (folder / "Dockerfile").write_text(
        "FROM localhost/debian:bookworm\n"
        f"RUN apt-get update && apt-get install -y --no-install-recommends systemd systemd-sysv {names} && rm -rf /var/lib/apt/lists/*\n"
        'CMD ["/sbin/init"]\n'
    )
    tag = "localhost/forager-systemd:test"
    done = subprocess.run(["buildah", "bud", "--isolation", "chroot", "--format", "docker", "--pull-never", "--layers", "-t", tag, str(folder)],
                          capture_output=True, text=True, timeout=300, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return tag


class Machine:
    """Its network is its own localhost."""

    def __init__(self, image: str) -> None:
        self.name = podman("run", "-d", "--systemd=always", "--network=none", "--cap-add=SYS_ADMIN", image).strip()
        wait_until(lambda: self.do("systemctl is-system-running", check=False).strip() in RUNNING, 30, "systemd")
        self.put(PACKAGE, "/root/forager.deb")

    def destroy(self) -> None:
        podman("rm", "-f", "-t", "0", self.name)

    def do(self, command: str, check: bool = True) -> str:
        """In its shell; both streams."""
        return podman("exec", self.name, "sh", "-c", f"({command}) 2>&1", check=check)

    def succeeds(self, command: str) -> bool:
        return self.do(f"{command} >/dev/null && echo yes", check=False).strip() == "yes"

    def put(self, file: Path, where: str) -> None:
        podman("cp", str(file), f"{self.name}:{where}")

    def write(self, where: str, text: str, mode: str = "0640", group: str = "root") -> None:
        podman("exec", self.name, "sh", "-c", f"install -m {mode} -g {group} /dev/null {where} && printf %s '{text}' >{where}")

    def install(self, package: str = "/root/forager.deb") -> str:
        return self.do(f"dpkg -i {package}")

    def installed(self) -> Machine:
        self.install()
        self.wait_ready()
        return self

    def wait_ready(self) -> None:
        wait_until(lambda: self.succeeds("forager healthcheck --ready"), 15, "a ready Forager")

    def property(self, name: str) -> str:
        return self.do(f"systemctl show -P {name} forager").strip()

    def log(self) -> str:
        return self.do("journalctl -u forager -o cat --no-pager")

    def last_ledger(self) -> str:
        return next(line for line in reversed(self.log().splitlines()) if line.startswith("ledger: "))

    def held(self, destination: str) -> int:
        """Items that the destination holds, as the books on disk say; of a Forager that runs or not."""
        listed = json.loads(self.do("forager journal ls --json"))
        return sum(each["items"] for each in listed["destinations"] if each["name"] == destination)

    def process_file(self, name: str) -> str:
        return self.do(f"tr '\\0' '\\n' </proc/{self.property('MainPID')}/{name}")

    def user(self) -> int:
        return int(re.search(r"^Uid:\s+(\d+)", self.process_file("status"), re.M)[1])
