"""What needs an engine or a package says so by a variable that ./dev image --check and ./dev deploy set; then nothing is skipped."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
# file: the variable, and who sets it
NEEDS = {
    "test_image.py": ("FORAGER_IMAGE", "no image: ./dev image --check builds and checks one"),
    "test_compose.py": ("FORAGER_IMAGE", "no image: ./dev image --check builds and checks one"),
    "test_debian.py": ("FORAGER_PACKAGE", "no package: ./dev deploy builds and checks one"),
    "test_systemd.py": ("FORAGER_PACKAGE", "no package: ./dev deploy builds and checks one"),
}


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == HERE and item.path.name in NEEDS:
            variable, reason = NEEDS[item.path.name]
            if not os.environ.get(variable):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def systemd_image(tmp_path_factory):
    """A Debian with systemd as process 1 and what the package depends on."""
    from machine import build_image

    return build_image(tmp_path_factory.mktemp("image"))


@pytest.fixture
def machine(systemd_image):
    """It runs, and Forager isn't installed yet."""
    from machine import Machine

    it = Machine(systemd_image)
    try:
        yield it
    finally:
        it.destroy()
