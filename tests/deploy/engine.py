"""podman on the project's own store, as `./dev image --check` sets it up."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

IMAGE = os.environ.get("FORAGER_IMAGE", "")


def podman(*arguments: str, check: bool = True, timeout: float = 60) -> str:
    """Its standard output. Its complaints about a missing systemd are left out."""
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, timeout=timeout, check=False)
    assert not check or done.returncode == 0, f"podman {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def succeeds(*arguments: str) -> bool:
    return subprocess.run(["podman", *arguments], capture_output=True, timeout=60, check=False).returncode == 0


def inspect(kind: str, name: str) -> dict[str, Any]:
    return json.loads(podman(kind, "inspect", name))[0]


def logs(name: str) -> str:
    """What the container said, on both streams."""
    done = subprocess.run(["podman", "logs", name], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr
