"""What the documentation refers to exists: files, headings, tests, settings, exit codes, lines of the compose file."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from forager import ROOT, binary, run

sys.path.insert(0, str(Path(__file__).parent))
from pages import blocks_of, pages  # noqa: E402

PAGES = [*pages(), ROOT / "CHANGELOG.md", ROOT / "proxy/README.md"]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(file), f"{page.name}: {target}, of {sorted(anchors(file))}"


@each_page
def test_tests_that_are_named_exist(page):
    """`tests/integration/test_x.py::test_y` and `Suite.Sentence` of tests/unit."""
    for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text()):
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.M), f"{file}::{name}"
    units = "\n".join(file.read_text() for file in (ROOT / "tests/unit").rglob("*_test.cpp"))
    for suite, name in re.findall(r"`([A-Z]\w+)\.([A-Z]\w+)`", page.read_text()):
        assert re.search(rf"TEST(_F|_P)?\({suite}, {name}\)", units), f"{suite}.{name}"


@each_page
def test_settings_that_are_named_exist(page):
    """Of the product, or of its build and tests; those that are shown as mistakes are none."""
    known = (ROOT / "docs/configuration.md").read_text()
    build = [ROOT / "CMakeLists.txt", ROOT / "dev", ROOT / ".ci/run", *(ROOT / "cmake").glob("*.cmake"), *(ROOT / "tests").rglob("*.cmake"),
             *(ROOT / "tests").rglob("CMakeLists.txt")]  # fmt: skip
    builds = set(re.findall(r"\bFORAGER_[A-Z_]+[A-Z]\b", "\n".join(file.read_text() for file in build)))
    others = builds | {"FORAGER_MUTANT", "FORAGER_SERVICE_HOST", "FORAGER_PORT", "FORAGER_MEMORY_LIMT", "HONEYCOMB_APIKEY"}
    for name in set(re.findall(r"\b(?:FORAGER|HONEYCOMB)_[A-Z_]+[A-Z]\b", page.read_text())) - others:
        assert f"`{name}`" in known, name


@each_page
def test_folders_and_files_that_are_named_exist(page):
    """`proxy/otlp/`, `tests/support/judge`, `deploy/compose/compose.yml`."""
    for name in re.findall(r"`((?:proxy|tests|docs|deploy|bench|proto|cmake)/[\w./-]*)`", page.read_text()):
        assert (ROOT / name).exists(), name


def test_the_readme_explains_every_exit_code():
    """The same numbers as the help."""
    if binary() is None:
        pytest.fail("no binary: build one, or name it in FORAGER_BIN")
    told = re.findall(r"^ +(\d+)  [A-Z`]", run("--help").stdout, re.M)
    assert told and re.findall(r"^\| (\d+) \|", (ROOT / "README.md").read_text(), re.M) == told


def test_the_compose_lines_of_the_readme_are_those_of_the_file():
    """But for the key, which is a secret file there and a variable here."""
    [shown] = [block.text for block in blocks_of(ROOT / "README.md") if block.language == "yaml"]
    real = {line.strip() for line in (ROOT / "deploy/compose/compose.yml").read_text().splitlines()}
    own = {"HONEYCOMB_API_KEY: ${HONEYCOMB_API_KEY}", "image: localhost/forager:dev"}
    for line in map(str.strip, shown.splitlines()):
        assert not line or line in own or line in real, line


def test_the_picture_of_the_architecture_is_whole():
    """Well-formed, readable on a dark page, and of the folders that there are."""
    text = (ROOT / "docs/architecture.svg").read_text()
    root = ElementTree.fromstring(text)
    words = {word for each in root.iter("{http://www.w3.org/2000/svg}text") for word in (each.text or "").replace(",", "").split()}
    assert {"receive", "admit", "journal:", "batch", "destination", "export", "net", "ledger", "hive"} <= words
    for name in words & {"receive", "admit", "batch", "destination", "export", "net", "admin", "hive"}:
        assert (ROOT / "proxy" / name).is_dir(), name
    assert "prefers-color-scheme: dark" in text
