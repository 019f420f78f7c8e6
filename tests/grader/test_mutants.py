"""Mutants: a mistake that no check notices is named, and what is written down of others holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import grader
from tiny_course import RIGHT, write_tiny_course

from grader.authoring.mutants.asked import Asked
from grader.authoring.mutants.record import read_record
from grader.authoring.mutants.source import Mutant, find_mutants, find_sources
from grader.course import load_course
from grader.errors import CourseError
from grader.grading.many import grade_all
from grader.grading.one import Grading
from grader.sandbox.choice import own_code
from grader.submission import Submission

SUITE = "tests/hidden/01/test_doubling_hidden.py"
RECORD = "tests/submissions/mutants/01.toml"
SURVIVOR = '    if number < 0:\n        print("negative")\n    return 2 * number'
"""What no check of the tiny course looks at: it doubles numbers of two digits."""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course in which everything is as it should be."""
    return write_tiny_course(tmp_path)


def mutants_of(root: Path) -> list[Mutant]:
    """The mutants of the solution."""
    course = load_course(root)
    exercise = course.exercises[0]
    return list(find_mutants(exercise, find_sources(course, exercise, "solution")[0]))


def with_text(mutants: list[Mutant], added: str) -> Mutant:
    """The first mutant that has this line."""
    return next(m for m in mutants if re.search(rf"^\+ *{re.escape(added)}$", m.diff, re.MULTILINE))


def record(root: Path, *mutants: str, reason: str = "nobody can tell one from the other") -> None:
    """Write the course's record of equivalent mutants."""
    path = root / RECORD
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'[[equivalent]]\nreason = "{reason}"\nmutants = {list(mutants)}\n')


def validate(root: Path, *args: str):
    """Run `grader validate --mutants` with the same content every time."""
    return grader(root, "validate", "--mutants", "--seed", "1", *args)


def test_a_killed_mutant_is_counted_and_not_listed(course: Path) -> None:
    """`2 + number` fails the first check."""
    killed = with_text(mutants_of(course), "return 2 / number")
    done = validate(course, "--matching", killed.id)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 mutants killed (100.0%), 0 survived" in done.stdout
    assert killed.id not in done.stdout


def test_a_survivor_is_listed_with_its_change(course: Path) -> None:
    """The id, the line in the file, what went and what came, and exit code 1."""
    solution = course / "solutions/01/doubling.py"
    solution.write_text(RIGHT.replace("    return 2 * number", SURVIVOR))
    survivor = with_text(mutants_of(course), "if number <= 0:")
    done = validate(course, "--matching", survivor.id)
    assert done.returncode == 1
    line = solution.read_text().splitlines().index("    if number < 0:") + 1
    assert f"{survivor.id} (line {line}) survived" in done.stdout
    assert "-    if number < 0:" in done.stdout
    assert "+    if number <= 0:" in done.stdout
    assert "0 of 1 mutants killed (0.0%), 1 survived" in done.stdout


def test_an_equivalent_mutant_is_no_survivor(course: Path) -> None:
    """Written down with its reason, it counts neither as killed nor as survived."""
    (course / "solutions/01/doubling.py").write_text(
        RIGHT.replace("    return 2 * number", SURVIVOR)
    )
    survivor = with_text(mutants_of(course), "if number <= 0:")
    record(course, survivor.id)
    done = validate(course, "--matching", survivor.id)
    assert done.returncode == 0, done.stdout
    assert "0 of 0 mutants killed (-), 0 survived; 1 more are equivalent" in done.stdout


def test_a_mutant_that_is_called_equivalent_and_is_killed_is_a_fault(course: Path) -> None:
    """The record says what the suite disproves."""
    killed = with_text(mutants_of(course), "return 2 / number")
    record(course, killed.id)
    done = validate(course, "--matching", killed.id)
    assert done.returncode == 1
    assert (
        f"{killed.id} was killed, and 01.toml says that it is equivalent: 01.value" in done.stdout
    )


def test_an_entry_that_no_mutant_answers_to_is_a_fault(course: Path) -> None:
    """After a change of the solution, its entries are looked at again."""
    record(course, "01/solution/doubling.py/double/swap/000000")
    done = validate(course, "--list")
    assert done.returncode == 1
    assert "there is no mutant 01/solution/doubling.py/double/swap/000000" in done.stdout


def test_entries_of_other_sources_are_not_asked_for(course: Path) -> None:
    """`--source solution` makes no mutants of a wheat, so its entries are not stale."""
    entry = "01/wheat/other/doubling.py/double/swap/000000"
    record(course, entry, "01/*/doubling.py/double/return/*")
    loaded = load_course(course)
    found = read_record(loaded, loaded.exercises[0])
    ids = [mutant.id for mutant in mutants_of(course)]
    assert list(found.stale(ids, ["01/solution"])) == []
    assert [line.split()[-1] for line in found.stale(ids, ["01/wheat/other"])] == [entry]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[[equivalent]]\nmutants = ["x"]\n', "equivalent.0.reason: Field required"),
        ('[[equivalent]]\nreason = "no"\nmutants = ["x"]\n', "equivalent.0.reason"),
        ("[[equivalent]\n", "is not valid TOML"),
    ],
)
def test_a_record_without_reasons_is_one_line(course: Path, text: str, sentence: str) -> None:
    """What is wrong with which file and key."""
    record(course, "x")
    (course / RECORD).write_text(text)
    loaded = load_course(course)
    with pytest.raises(CourseError, match=r"01\.toml.*" + re.escape(sentence)) as caught:
        read_record(loaded, loaded.exercises[0])
    assert "\n" not in str(caught.value)


def test_a_sample_is_drawn_by_the_seed() -> None:
    """The same seed, the same mutants; another seed, others; with `matching`, of those alone."""
    ids = [f"01/{number}" for number in range(100)]

    def drawn(seed: int, matching: str | None = None) -> list[str]:
        return Asked(seed, sample=5, matching=matching).choose(ids, str)

    assert len(set(drawn(1))) == 5
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert all("7" in each for each in drawn(1, "7"))
    assert Asked(1, sample=500).choose(ids, str) == ids


def test_an_id_outlives_an_edit_elsewhere(course: Path) -> None:
    """A new function above moves every line, and adds its own mutants; no id changes."""
    before = {mutant.id for mutant in mutants_of(course)}
    above = RIGHT.replace(
        "def double", "def triple(number):\n    return 3 * number\n\n\ndef double"
    )
    (course / "solutions/01/doubling.py").write_text(above)
    assert before < {mutant.id for mutant in mutants_of(course)}


def test_no_two_mutants_are_the_same_program(course: Path) -> None:
    """Neither twice by two operators, nor the original."""
    mutants = mutants_of(course)
    programs = [mutant.submission.files["doubling.py"] for mutant in mutants]
    assert len(programs) == len(set(programs)) == len({mutant.id for mutant in mutants})
    assert all(mutant.diff for mutant in mutants)


def test_an_error_of_the_suite_is_no_kill(course: Path) -> None:
    """A suite that breaks on a mutant's value is named as what it is."""
    path = course / SUITE
    path.write_text(path.read_text().replace("assert value == 2", "assert int(value) == 2"))
    crashing = with_text(mutants_of(course), "return")
    done = validate(course, "--matching", crashing.id)
    assert done.returncode == 1
    assert f"{crashing.id} was not decided: 01.value error: TypeError" in done.stdout


def test_an_unknown_source_is_one_line_with_those_there_are(course: Path) -> None:
    """Nobody's mutants are made in place of those that were asked for."""
    loaded = load_course(course)
    with pytest.raises(CourseError, match=r"no right submission 'wheat'.*solution"):
        find_sources(loaded, loaded.exercises[0], "wheat")


def test_nothing_runs_after_the_first_failure(course: Path) -> None:
    """What is known to be wrong costs no more than that: the rest is skipped, and no error."""
    loaded = load_course(course)
    wrong = RIGHT.replace("2 *", "3 *").encode()
    submission = Submission("x", loaded.exercise("01"), {"doubling.py": wrong}, {})
    how = Grading(loaded, own_code(), 1, {}, first_failure=True)
    [(_, report)] = grade_all([submission], how)
    assert [check.outcome for check in report.checks] == ["failed", "skipped", "skipped"]
    assert report.checks[1].message == "another check had failed"
