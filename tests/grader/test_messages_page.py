"""The page of messages is what the suites say: each sentence on it can still be said."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from grader.authoring.messages import read_page
from grader.authoring.validate import PAGE
from grader.course import load_course

REPO = Path(__file__).resolve().parents[2]
SENTENCES = read_page((REPO / PAGE).read_text())
# Given by a run: what the test had set up, and what became of it.
IN_A_SCENE = re.compile(r"(?:(.+): )?expected \w+\(\) to .+; .+")
COMMON = ("grader/suite", "grader/worker")


@cache
def templates(folder: str) -> tuple[re.Pattern[str], ...]:
    """Every text of the Python files below a folder, with anything in place of its values."""
    files = sorted((REPO / folder).rglob("*.py"))
    return tuple(each for path in files for each in _templates(ast.parse(path.read_text())))


def _templates(tree: ast.AST) -> Iterator[re.Pattern[str]]:
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values):
                parts = [v.value if isinstance(v, ast.Constant) else None for v in values]
            case ast.Constant(value=str(text)):
                parts = [text]
            case _:
                continue
        if sum(len(part.strip()) for part in parts if part) >= 8:
            yield re.compile(".*".join(re.escape(part) if part else "" for part in parts) or ".*")


def can_be_said(check: str, sentence: str) -> bool:
    """Whether a suite has that sentence, or sets the scene that it begins with."""
    exercise = f"tests/hidden/{check.partition('.')[0]}"
    known = templates(exercise)
    if match := IN_A_SCENE.fullmatch(sentence):
        return match[1] is None or any(each.fullmatch(match[1]) for each in known)
    known += tuple(each for folder in COMMON for each in templates(folder))
    whole = sentence.removesuffix("…")
    return any(each.fullmatch(sentence) or each.match(whole) for each in known)


@pytest.mark.parametrize("check", SENTENCES)
def test_the_suites_say_what_the_page_says(check: str) -> None:
    """A sentence that was changed in a suite is changed on the page too."""
    gone = [sentence for sentence in SENTENCES[check] if not can_be_said(check, sentence)]
    assert not gone, f"grader validate --seed 1 --messages {PAGE}, then read it: {gone}"


def test_a_sentence_that_nobody_says_is_found() -> None:
    """The test above can fail."""
    assert can_be_said(
        "01.missing-file", "there is no file, and the offset was 7: expected ([], 0), got 3"
    )
    assert not can_be_said("01.missing-file", "the file is missing, and so is the point")
    assert not can_be_said(
        "02.tail-stops", "a scene of no test: expected poll() to return; it raised X"
    )


def test_sentences_are_in_words() -> None:
    """For every check somebody is told something, never a traceback or next to nothing."""
    known = {check.id for exercise in load_course(REPO).exercises for check in exercise.checks}
    assert SENTENCES.keys() == known
    for check, sentences in SENTENCES.items():
        for sentence in sentences:
            assert "Traceback" not in sentence
            assert len(sentence.split()) >= 6, f"{check}: {sentence}"


def test_the_recording_of_watch_says_what_watch_says() -> None:
    """Its checks, their sentences, its hint and its keys are those of today: `make pictures`."""
    pytest.importorskip("termios", reason="grader watch needs a terminal of Unix")
    from grader.learn.watch import _KEYS  # noqa: PLC0415 - as above

    screens = (REPO / "docs" / "watch.md").read_text()
    words = " ".join(screens.split())
    assert _KEYS in screens
    failed = re.findall(r"✗ (\d\d\.[\w-]+): ((?:.+\n)+?)  (\S(?:.+\n)+)", screens)
    assert len(failed) == 4
    course = load_course(REPO)
    for name, title, message in failed:
        check = course.exercise(name[:2]).check(name)
        assert check is not None
        assert check.title == " ".join(title.split())
        assert can_be_said(name, " ".join(message.split())), message
    nudged = course.exercise("01").check("01.partial-line")
    assert nudged is not None
    assert f"nudge {nudged.hint} h for step 2 of 3" in words
