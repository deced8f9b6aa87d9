"""Containers are for those who have an engine: `./dev image --check` says so by FORAGER_IMAGE, and then nothing is skipped."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_collection_modifyitems(items):
    from engine import IMAGE

    if not IMAGE:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="no image: ./dev image --check builds and checks one"))
