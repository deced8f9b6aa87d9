"""Toolchains of other languages: what is missing is skipped with its reason, or fails where it must be there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "interop"


def unavailable(reason: str) -> None:
    if os.environ.get("FORAGER_REQUIRE_INTEROP"):
        pytest.fail(f"{reason}, and FORAGER_REQUIRE_INTEROP asks for it")
    pytest.skip(reason)  # on a developer's machine without that toolchain; .ci/run sets the variable, so there it fails


def prepared(name: str, tool: str, *commands: list[str]) -> Path:
    """A copy of tests/interop/NAME under .cache, made ready by `commands` when its sources changed."""
    if shutil.which(tool) is None:
        unavailable(f"no {tool} on this machine")
    folder = CACHE / name
    sources = {str(p.relative_to(HERE / name)): p.read_text() for p in sorted((HERE / name).rglob("*")) if p.is_file()}
    stamp = folder / ".sources"
    if not stamp.exists() or stamp.read_text() != json.dumps(sources):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(HERE / name, folder)
        for command in commands:
            subprocess.run(command, cwd=folder, check=True, timeout=600)
        stamp.write_text(json.dumps(sources))
    return folder


@pytest.fixture(scope="session")
def node() -> Path:
    return prepared("node", "npm", ["npm", "install", "--silent", "--no-audit", "--no-fund"])


@pytest.fixture(scope="session")
def go() -> Path:
    return prepared("go", "go", ["go", "build", "-o", "interop", "."])


@pytest.fixture(scope="session")
def java() -> Path:
    return prepared("java", "mvn", ["mvn", "-q", "-B", "compile", "dependency:copy-dependencies"])


@pytest.fixture(scope="session")
def collector() -> Path:
    import collector as it

    if why := it.missing():
        unavailable(why)
    return it.build()
