"""Every command of the documentation: run as it stands, or named in accounts.py with a reason."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import click
import pytest
from accounts import FIRST, NOT_RUN, REPEATS, TOGETHER, UNSOLVED
from pages import Command, commands, pages, spans
from terminal import Done, fresh_course, run, run_page

from grader.cli import main

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="runs pages in namespaces")

WITH_COMMANDS = [page for page in pages() if commands(page) and page not in REPEATS]


@needs_linux
@pytest.mark.thorough
@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_its_commands_do_what_the_page_says(page: str, tmp_path: Path) -> None:
    """Typed in order in a fresh copy of the course, each succeeds and prints what is shown."""
    for done in run_page(page, fresh_course(tmp_path, page)):
        said = f"$ {done.command.text}\n{done.printed}"
        assert done.code == 0, f"{page}, exit code {done.code}:\n{said}"
        for line in done.command.output:
            assert prints(done, line), f"{page} shows {line!r}, which was not printed:\n{said}"


@needs_linux
def test_a_command_that_does_otherwise_is_seen(tmp_path: Path) -> None:
    """Its exit code is kept, and other words are not what the page shows; other numbers are."""
    (tmp_path / "course").mkdir()
    typed = [
        Command("page", "false", ()),
        Command("page", "echo 7 events, the last in Queens", ()),
        Command("page", "true && cat absent", ()),
    ]
    failed, said, absent = run(typed, tmp_path / "course")
    assert (failed.code, said.code, absent.code) == (1, 0, 1)
    assert "No such file" in absent.printed
    assert prints(said, "15 events, the last in Staten Island")
    assert prints(said, "7 events, ...")
    assert not prints(said, "7 trips, the last in Queens")


def prints(done: Done, line: str) -> bool:
    """Whether a line like that was printed: numbers, zones, users and dates are any."""
    if line.strip() == "...":
        return True
    like = re.escape(line.removesuffix("...").strip())
    like = re.sub(
        r"(Manhattan|Brooklyn|Queens|Bronx|Staten\\ Island|you\\ you)", r"\\S+( \\S+)?", like
    )
    like = re.sub(r"(Nov\\ )", r"\\w+\\s+", like)
    like = re.sub(r"(?<![a-z])[0-9a-f]*\d[0-9a-f.]*", r"[0-9a-f.]+", like)
    like = re.sub(r"(\\ )+", r"\\s+", like)
    return re.search(like, done.printed) is not None


@pytest.mark.parametrize("page", REPEATS)
def test_a_page_that_repeats_others_has_nothing_of_its_own(page: str) -> None:
    """Its commands stand, word for word, on a page whose commands are run."""
    elsewhere = {command.text for other in WITH_COMMANDS for command in commands(other)}
    assert {command.text for command in commands(page)} <= elsewhere


def test_the_accounts_name_nothing_that_is_gone() -> None:
    """A command that was changed or removed takes its entry with it."""
    there = {command.text for page in pages() for command in commands(page)}
    assert {*NOT_RUN, *TOGETHER, *FIRST} <= there
    assert {*REPEATS, *UNSOLVED} <= set(pages())


def test_most_commands_are_run() -> None:
    """The list of those that are not stays small."""
    texts = [command.text for page in WITH_COMMANDS for command in commands(page)]
    assert len(texts) > 40
    assert sum(text in NOT_RUN for text in texts) < len(texts) / 5


@pytest.mark.parametrize("page", [page for page in pages() if spans(page, "grader")])
def test_the_graders_commands_in_sentences_exist(page: str) -> None:
    """`grader ...` within a sentence or table names a command and options that there are."""
    for text in spans(page, "grader"):
        try:
            parse(shlex.split(text)[1:])
        except click.UsageError as error:
            pytest.fail(f"{page}: `{text}`: {error.format_message()}")


def parse(words: list[str]) -> None:
    """Parse a command line and run nothing; a placeholder may stand for a file or a number.

    Raises:
        click.UsageError: there is no such command, option or choice.
    """
    command: click.Command = main
    context = main.make_context("grader", words, resilient_parsing=True)
    while isinstance(command, click.Group) and words:
        name, found, words = command.resolve_command(context, words)
        assert found is not None
        command, context = found, click.Context(found, info_name=name, parent=context)
    try:
        command.make_context(context.info_name, list(words), parent=context.parent)
    except (click.exceptions.NoArgsIsHelpError, click.BadOptionUsage):
        return  # the name of a command or of an option alone
    except click.BadParameter as error:
        if error.param is not None and isinstance(error.param.type, click.Choice):
            raise
