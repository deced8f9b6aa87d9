"""`forager journal` as tests call it."""

from __future__ import annotations

import json

from forager import EXIT_OK, run


def journal(world, *words: str, code: int = EXIT_OK) -> str:
    """Its standard output, or what it complains about."""
    done = run("journal", *words, "--data-dir", str(world.directory / "data"))
    assert done.returncode == code, (words, done)
    return done.stdout if code == EXIT_OK else done.stdout + done.stderr


def held_records(world) -> int:
    return json.loads(journal(world, "ls", "--json"))["destinations"][0]["records"]


def admin(forager) -> list[str]:
    return ["--admin-listen", f"127.0.0.1:{forager.admin_port}"]
