"""What `forager completion` and `forager man` print has all of `--help` in it, and works in the real programs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
from forager import ROOT, binary, clean_environment, run

SHELLS = ("bash", "zsh", "fish")


def need(program: str) -> None:
    if shutil.which(program) is not None:
        return
    if os.environ.get("FORAGER_REQUIRE_INTEROP"):
        pytest.fail(f"{program} is not installed, and FORAGER_REQUIRE_INTEROP asks for it: apt-get install {program}")
    pytest.skip(f"{program} is not installed")


def printed(*words: str) -> str:
    assert binary() is not None, "no binary: build one, or name it in FORAGER_BIN"
    done = run(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def help_words() -> tuple[set[str], set[str]]:
    """Commands (of journal, too) and flags, as a reader of --help sees them."""
    text = printed("--help")
    commands = text.partition("\nCommands:\n")[2].partition("\nSettings")[0]
    names = re.findall(r"^ {2}(?: {2})?([a-z]+)(?:, ([a-z]+))? ", commands, re.M)
    return {name for pair in names for name in pair if name}, set(re.findall(r"--[a-z][a-z-]+[a-z]", text))


def test_the_help_is_read_as_a_reader_does(help_words):
    commands, flags = help_words
    assert {"run", "check", "journal", "ls", "release", "version", "help"} <= commands, commands
    assert {"--config", "--stop-quiet", "--quarantined", "--reference"} <= flags, flags


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_flag_of_the_help_is_in_the_completions(shell, help_words):
    text = printed("completion", shell)
    commands, flags = help_words
    for word in commands:
        assert re.search(rf"(?<![\w-]){word}(?![\w-])", text), word
    for flag in flags:
        there = f"-l {flag[2:]} " if shell == "fish" else flag
        assert there in text, flag


def test_every_command_and_flag_of_the_help_is_in_the_manual_page(help_words):
    text = printed("man").replace("\\", "")
    commands, flags = help_words
    for word in commands:
        assert re.search(rf"^\.(SS|B journal) {word}$", text, re.M), word
    for flag in flags:
        assert re.search(rf"{flag}\b", text), flag


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_reads_its_completions(shell, tmp_path):
    file = tmp_path / "completions"
    file.write_text(printed("completion", shell))
    need(shell)
    done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_forager forager "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def bash_offers(tmp_path, *words: str) -> list[str]:
    file = tmp_path / "forager.bash"
    file.write_text(printed("completion", "bash"))
    done = subprocess.run(["bash", "-c", ASK, "ask", str(file), "forager", *words], env=clean_environment(), cwd=ROOT,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert not done.stderr, done.stderr
    return done.stdout.split()


def test_bash_completes_commands_flags_and_values(tmp_path):
    assert bash_offers(tmp_path, "jou") == ["journal"]
    assert "healthcheck" in bash_offers(tmp_path, "")
    assert bash_offers(tmp_path, "--ack", "") == ["kept", "delivered"]
    assert bash_offers(tmp_path, "--ack", "=", "k") == ["kept"], "bash takes --ack=k for three words"
    assert bash_offers(tmp_path, "--ack", "kept", "che") == ["check"], "a value is no command"
    assert bash_offers(tmp_path, "journal", "ve") == ["verify"]
    assert bash_offers(tmp_path, "journal", "show", "--signal", "t") == ["traces"]
    assert bash_offers(tmp_path, "journal", "replay", "READ") == ["README.md"]
    assert bash_offers(tmp_path, "--config", "READ") == ["README.md"]
    assert bash_offers(tmp_path, "completion", "") == list(SHELLS)
    assert bash_offers(tmp_path, "demo", "--") == ["--endpoint", "--help", "--version"], "it takes no settings"
    assert bash_offers(tmp_path, "--memory-limit", "") == [], "what can't be known isn't guessed"


def test_fish_completes_commands_flags_and_values(tmp_path):
    need("fish")
    file = tmp_path / "forager.fish"
    file.write_text(printed("completion", "fish"))

    def offers(line: str) -> list[str]:
        done = subprocess.run(["fish", "-c", f"source {file}; complete -C '{line}'"], env=clean_environment(HOME=str(tmp_path)), cwd=ROOT,
                              capture_output=True, text=True, check=True)  # fmt: skip
        return [each.partition("\t")[0] for each in done.stdout.splitlines()]

    assert offers("forager jou") == ["journal"]
    assert sorted(offers("forager --ack ")) == ["delivered", "kept"]
    assert offers("forager journal ve") == ["verify"]
    assert "--memory-limit" in offers("forager check --mem")


@pytest.mark.parametrize("checker", [["mandoc", "-Tlint"], ["man", "-l", "--warnings"]], ids=lambda words: words[0])
def test_the_manual_page_is_clean(checker, tmp_path):
    page = tmp_path / "forager.1"
    page.write_text(printed("man"))
    need(checker[0])
    done = subprocess.run([*checker, str(page)], env=clean_environment(MANWIDTH="100", LC_ALL="C.UTF-8"), capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert checker[0] != "mandoc" or not done.stdout, done.stdout
    if checker[0] == "man":
        assert "FORAGER_MEMORY_LIMIT" in done.stdout
