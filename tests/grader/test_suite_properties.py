"""Inputs that hypothesis draws for a suite: seeded, shrunk, and judged whatever the code does."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest

from grader.suite.outcomes import Failed, NotGraded
from grader.suite.properties import for_all


def numbers(st: Any) -> Any:
    """Draw lists of integers."""
    return st.lists(st.integers(0, 1000), max_size=5)


def drawn(seed: int) -> list[list[int]]:
    """What a seed draws."""
    found: list[list[int]] = []
    for_all(random.Random(seed), numbers, found.append)
    return found


def test_a_seed_draws_the_same_inputs_again() -> None:
    """And another seed others."""
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_the_sentence_is_that_of_the_smallest_input() -> None:
    """It is the student's failure, in the check's own words."""

    def look(example: list[int]) -> None:
        assert sum(example) < 10, f"seen {example}"

    with pytest.raises(Failed, match=r"^seen \[10\]"):
        for_all(random.Random(1), numbers, look)


def test_code_that_fails_once_is_judged_all_the_same() -> None:
    """What keeps something from call to call may fail for an input and then succeed for it."""
    calls = []

    def look(example: list[int]) -> None:
        calls.append(example)
        assert len(calls) != 3, f"the third call saw {example}"

    with pytest.raises(Failed, match="the third call"):
        for_all(random.Random(1), numbers, look)


def test_what_hangs_is_not_tried_again() -> None:
    """A Failed of a run's ends it: each smaller input would wait as long."""
    calls = []

    def look(example: list[int]) -> None:
        calls.append(example)
        raise Failed("did nothing for 10 s")

    with pytest.raises(Failed, match="did nothing"):
        for_all(random.Random(1), numbers, look)
    assert len(calls) == 1


def test_a_mistake_of_the_suites_stays_an_error() -> None:
    """No sentence, nobody's failure."""

    def look(example: list[int]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        for_all(random.Random(1), numbers, look)


def test_nothing_is_left_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is the instructor's."""
    monkeypatch.chdir(tmp_path)
    drawn(3)
    assert list(tmp_path.iterdir()) == []


def test_without_hypothesis_there_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says how to get it."""
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(NotGraded, match=r"pip install -e '\.\[suites\]'"):
        drawn(1)
