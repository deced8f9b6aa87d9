"""Every command of the documentation that needs no account runs, and shows what the page says it shows."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from forager import ROOT, binary

sys.path.insert(0, str(Path(__file__).parent))
from pages import PORTS, Reader, blocks_of, first_missing, pages, taken_ports  # noqa: E402

TO_RUN = [page for page in pages() if any(block.runs for block in blocks_of(page))]


@pytest.fixture
def reader(tmp_path):
    readers = []

    def of(page: Path) -> Reader:
        assert binary() == ROOT / "build/forager" and binary().exists(), "the pages say build/forager: ./dev build makes it"
        if taken := taken_ports():
            pytest.fail(f"ports {taken} of {PORTS} are taken: the pages use the standard ports; stop what has them (ss -ltnp)")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
            "TEST_VENV": sys.prefix,
            "TMPDIR": str(tmp_path),
        }
        readers.append(Reader(page, tmp_path, environment))
        return readers[-1]

    yield of
    for each in readers:
        each.stop()
    link = ROOT / "shop-venv"
    if link.is_symlink():
        link.unlink()


@pytest.mark.parametrize("page", TO_RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_says_works(page, reader):
    """Scenario: a reader types every command of the page, in order.
    Guarantees: each does what is said, Forager ends well, and its last line is a ledger without a loss."""
    it = reader(page)
    for block in blocks_of(page):
        it.follow(block)
    for background, code in it.stop():
        if "forager" in background.output.lower() and "listening otlp" in background.output:
            assert code == 0, background.output
            assert re.search(r"^ledger: ", background.output.splitlines()[-1]), background.output
    assert it.ran == sum(block.runs for block in blocks_of(page))


def test_an_expectation_can_fail():
    """The checker itself: order, wildcards, numbers, ids."""
    assert first_missing("a 12 ms 0a1b2c3d...\nb", "x\na 7 ms 99ffee00 or so\nb\n") is None
    assert first_missing("b\na", "a\nb\n") == "a"
    assert first_missing("12 delivered 0 lost", "12 delivered 5 lost") == "12 delivered 0 lost"
