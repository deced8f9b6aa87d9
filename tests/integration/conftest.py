"""`world`: a judge and real Foragers, whose books are checked at the end of every test."""

from __future__ import annotations

import pytest
from forager import binary
from world import World

failed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.stash[failed] = report.failed
    return report


@pytest.fixture
def world(tmp_path, request):
    if binary() is None:
        pytest.skip("no binary: build one, or name it in FORAGER_BIN")
    words = next((mark.kwargs for mark in request.node.iter_markers("judge")), {})
    it = World(tmp_path, **words)
    yield it
    if request.node.stash.get(failed, False):
        it.abandon()
    else:
        it.close()


def pytest_configure(config):
    config.addinivalue_line("markers", "judge(**words): how the judge of this test is made")
    config.addinivalue_line("markers", "slow: takes more than about five seconds")
