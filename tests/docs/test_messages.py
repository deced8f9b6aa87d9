"""What docs/troubleshooting.md quotes is what the code prints: a message that changes there changes the page."""

from __future__ import annotations

import re

from forager import ROOT

PAGE = ROOT / "docs/troubleshooting.md"
# Words of others, and lines of commands: no messages of ours.
OTHERS = {"429 Too Many Requests"}
COMMANDS = re.compile(r"^(forager|curl|ss|docker|\./dev|\$|dependsOn:)(\s|$)")
ONE = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
LITERAL = re.compile(rf"{ONE.pattern}(?:\s*{ONE.pattern})*")


def messages_of_the_code() -> list[str]:
    """String literals of the product, adjacent ones joined, each place of a value as `...`."""
    found = []
    for file in sorted((ROOT / "proxy").rglob("*")):
        if file.suffix not in (".cpp", ".h"):
            continue
        for literal in LITERAL.finditer(file.read_text()):
            text = "".join(part.group(1) for part in ONE.finditer(literal.group()))
            found.append(re.sub(r"\{[^{}\s]*\}", "...", text.replace('\\"', '"').replace("\\n", "\n")))
    return found


def quoted(page: str) -> list[str]:
    """Inline code of more than one word that is neither a command nor a setting with its value."""
    spans = [re.sub(r"\s+", " ", span) for span in re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S))]
    return [span for span in spans if " " in span and not COMMANDS.match(span) and span not in OTHERS]


def is_printed(message: str, code: list[str]) -> bool:
    return any(message in each for each in code)


def test_every_message_that_is_quoted_is_one_of_the_code():
    code = messages_of_the_code()
    messages = quoted(PAGE.read_text())
    assert len(messages) > 40, "the page's messages aren't found any more"
    missing = [message for message in messages if not is_printed(message, code)]
    assert not missing, "\n".join(missing)


def test_a_message_that_nobody_prints_is_noticed():
    code = messages_of_the_code()
    assert is_printed("cannot resolve ...: ...; check the name and DNS", code)
    assert not is_printed("cannot resolve ...: ...; try again", code)
    assert quoted("`forager check`, `no disk: sorry`, `A=1`, `429 Too Many Requests`") == ["no disk: sorry"]


def test_every_state_of_a_destination_is_explained():
    """As `state` in /status."""
    [names] = re.findall(r"string_view, 5> names\{([^}]*)\}", (ROOT / "proxy/export/delivery.cpp").read_text())
    table = PAGE.read_text().partition("| `state` |")[2].partition("\n\n")[0]
    for name in re.findall(r'"(\w+)"', names):
        assert f"`{name}`" in table, name


def test_every_state_of_the_ledger_is_explained():
    [names] = re.findall(r"state_names\{([^}]*)\}", (ROOT / "proxy/base/ledger.cpp").read_text())
    for name in set(re.findall(r'"(\w+)"', names)) - {"delivered", "held"}:
        assert f"`{name}`" in PAGE.read_text(), name
