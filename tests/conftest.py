"""For every test in Python: tests/support is importable, the machine's own settings have no effect, and `world` is a judge and real
Foragers whose books are checked at the end of the test.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parent / "support"
sys.path.insert(0, str(SUPPORT))

# A proxy, an authority or an exporter setting of this machine would decide what is tested.
for name in list(os.environ):
    if name.lower() in {"http_proxy", "https_proxy", "no_proxy", "all_proxy"} or name.startswith("OTEL_"):
        del os.environ[name]
for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(name, None)

failed = pytest.StashKey[bool]()


def pytest_configure(config):
    config.addinivalue_line("markers", "judge(**words): how the judge of this test is made")
    config.addinivalue_line("markers", "slow: takes more than about five seconds")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.stash[failed] = report.failed
    return report


@pytest.fixture
def world(tmp_path, request):
    from forager import binary
    from world import World

    if binary() is None:
        pytest.fail("no binary: build one, or name it in FORAGER_BIN")
    words = next((mark.kwargs for mark in request.node.iter_markers("judge")), {})
    it = World(tmp_path, **words)
    yield it
    if request.node.stash.get(failed, False):
        it.abandon()
    else:
        it.close()
