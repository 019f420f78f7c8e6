"""Who handed in nearly the same: copies in disguise are found, other people's solutions are not."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from itertools import combinations, permutations
from pathlib import Path

import pytest
from command_line import grader
from tiny_course import STUB, write_tiny_course

from grader.course import Course, load_course
from grader.reports import similar
from grader.reports.similar import THRESHOLD, SimilarPair, grouped, nearly_identical
from grader.submission import Submission, read_submission

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def course() -> Course:
    """This course, whose known-right submissions are by different hands."""
    return load_course(REPO)


def handed_in(course: Course, student: str, text: str) -> Submission:
    """A submission of exercise 01."""
    return Submission(student, course.exercise("01"), {"polling.py": text.encode()}, {})


def disguised(code: str) -> str:
    """The same with other names, comments, texts, numbers and blank lines."""
    code = re.sub(r"\b(events|lines|start|data|line|event)\b", r"my_\1", code)
    code = code.replace("\n    ", "\n\n    # by me\n    ", 3)
    return code.replace('"rb"', "'br'") + "\n# nothing to see here\n"


def test_a_disguised_copy_is_found_and_a_solution_of_ones_own_is_not(course: Course) -> None:
    """Whoever renamed everything is beside the one who was copied from."""
    exercise = course.exercise("01")
    wheat = sorted((REPO / "tests/submissions/wheat/01").iterdir())
    honest = [read_submission(path.name, exercise, [path], 256) for path in wheat]
    copied = honest[0].files["polling.py"].decode()
    found = nearly_identical([*honest, handed_in(course, "copy", disguised(copied))], course)
    (group,) = found["01"].groups
    assert set(group.students) == {"copy", honest[0].student}
    assert group.least == group.closest.share > 0.95
    assert found["01"].students == {"copy", honest[0].student}


OUT_OF_ONE = {"batch-deletes", "plain", "thread-pool"}
"""Known-right submissions of exercise 04 that differ in a function or two."""
ALIKE = {
    "01": {"offset-log"},
    "02": {"shell-and-single-bytes"},
    "03": {"own-client-and-asyncio-adapter", "pattern-and-named-exchange"},
    "04": {
        "batch-deletes",
        "generator-and-class",
        "thread-pool",
        "sizes-and-zones",
        "one-at-a-time",
        "resource-and-paginator",
    },
    "05": {
        "claims-all-before-it-handles",
        "moves-out-of-the-stream",
        "moves-what-it-still-holds",
        "own-connection",
    },
    "06": {"asyncio-handle-in-a-thread"},
    "07": {"own-dead-letter-exchange"},
}
"""Known-right submissions that share code with one that is not named here."""


def known_right(course: Course, exercise_id: str) -> list[Submission]:
    """The known-right submissions, which were written in different styles, and the solution."""
    exercise = course.exercise(exercise_id)
    folders = [*(REPO / "tests/submissions/wheat" / exercise_id).iterdir()]
    folders.append(REPO / "solutions" / exercise_id)
    return [read_submission(path.name, exercise, [path], 256) for path in folders]


@pytest.mark.parametrize("exercise_id", ["00", "01", "02", "03", "04", "05", "06", "07"])
def test_solutions_that_share_no_code_are_far_apart(
    course: Course, exercise_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as the documentation says, in every exercise; of those that share some, one is taken."""
    alike = ALIKE.get(exercise_id, set())
    apart = [each for each in known_right(course, exercise_id) if each.student not in alike]
    assert len(list(combinations(apart, 2))) > 5
    assert THRESHOLD > 0.8
    monkeypatch.setattr(similar, "THRESHOLD", 0.67)
    assert nearly_identical(apart, course)[exercise_id].groups == ()


def test_the_usual_solution_of_the_warm_up_is_nobodys_copy(course: Course) -> None:
    """Forty students who solve it as one does, each with another mistake: nobody is shown."""
    exercise = course.exercise("00")
    folders = sorted((REPO / "tests/submissions/chaff/00").iterdir())
    usual = [read_submission(path.name, exercise, [path], 256) for path in folders]
    assert len(usual) > 30
    assert nearly_identical(usual, course) == {}


def test_solutions_made_out_of_one_are_found(course: Course) -> None:
    """Each of them beside each other one, and nobody else."""
    found = nearly_identical(known_right(course, "04"), course)["04"]
    assert found.students == OUT_OF_ONE
    assert sum(group.pairs for group in found.groups) == len(list(combinations(OUT_OF_ONE, 2)))


def test_what_the_stub_gave_is_no_likeness(course: Course) -> None:
    """Two who handed in the stub, or hardly more, have nothing in common that counts."""
    stub = (REPO / "exercises/01/polling.py").read_text()
    more = stub.replace(
        "    raise NotImplementedError(", "    x = 1\n    raise NotImplementedError("
    )
    both = [handed_in(course, "ann", stub), handed_in(course, "bob", more)]
    assert nearly_identical(both, course) == {}


def test_what_is_no_python_costs_nothing(course: Course) -> None:
    """Broken code is compared as far as it can be read."""
    odd = ["def (:\n" * 50, "'''" * 5, "\x00", "x = (" * 200, "é" * 1000]
    submissions = [handed_in(course, str(number), text) for number, text in enumerate(odd)]
    assert nearly_identical(submissions, course).keys() <= {"01"}


def test_a_class_where_everybody_copied_is_one_group(course: Course) -> None:
    """190 pairs are one line of the page."""
    code = (REPO / "solutions/01/polling.py").read_text()
    everybody = [handed_in(course, f"s{n}", f"{code}# {n}\n") for n in range(20)]
    (group,) = nearly_identical(everybody, course)["01"].groups
    assert (group.pairs, len(group.students), group.least) == (190, 20, 1)


def test_the_same_bytes_are_another_mark(course: Course) -> None:
    """Two who handed in the same file are no pair; who disguised it is one with each of them."""
    code = (REPO / "solutions/01/polling.py").read_text()
    everybody = [handed_in(course, name, code) for name in ("ann", "bob")]
    everybody.append(handed_in(course, "cy", code.replace("offset", "place")))
    (group,) = nearly_identical(everybody, course)["01"].groups
    assert (group.students, group.pairs) == (("ann", "bob", "cy"), 2)


def test_pairs_in_any_order_make_the_same_groups() -> None:
    """A chain is one group, whose least share is its weakest pair's; others stay apart."""
    chain = [
        SimilarPair("a", "b", 0.9),
        SimilarPair("c", "d", 0.97),
        SimilarPair("b", "c", 0.86),
        SimilarPair("d", "e", 0.9),
    ]
    apart = [SimilarPair("x", "y", 0.99)]
    for order in permutations(chain + apart):
        first, second = grouped(order)
        assert (first.students, first.pairs, first.least) == (("x", "y"), 1, 0.99)
        assert (second.students, second.pairs, second.least) == (tuple("abcde"), 4, 0.86)
        assert second.closest == SimilarPair("c", "d", 0.97)


def test_the_export_has_jplags_layout(tmp_path: Path) -> None:
    """A folder for each student, and the stub apart as the code that all were given."""
    root = write_tiny_course(tmp_path)
    for student in ("ann", "bob"):
        folder = root / "subs" / student / "01"
        folder.mkdir(parents=True)
        shutil.copy(root / "solutions/01/doubling.py", folder)
        (folder / "notes.txt").write_text("private")
    done = grader(root, "export", "subs", "copies", "--format", "jplag")
    assert done.returncode == 0, done.stderr
    files = [p.relative_to(root / "copies") for p in (root / "copies").rglob("*") if p.is_file()]
    assert sorted(map(str, files)) == [
        "01/stub/doubling.py",
        "01/submissions/ann/doubling.py",
        "01/submissions/bob/doubling.py",
    ]
    assert (root / "copies/01/stub/doubling.py").read_text() == STUB
    again = grader(root, "export", "subs", "copies", "--format", "jplag")
    assert again.returncode == 2
    assert "is not empty" in again.stderr


def test_a_team_s_work_is_one_submission_for_jplag(tmp_path: Path) -> None:
    """Another team's is another, and so is a member's who handed in something else."""
    root = write_tiny_course(tmp_path)
    who = {"ann": "a: ann, bob", "bob": "a: ann, bob", "cyd": "b: cyd", "dan": "", "eve": ""}
    for student, team in who.items():
        folder = root / "subs" / student / "01"
        folder.mkdir(parents=True)
        shutil.copy(root / "solutions/01/doubling.py", folder)
        if team:
            (folder / "team.txt").write_text(f"{team}\n")
    grader(root, "export", "subs", "copies", "--format", "jplag")
    kept = {path.name for path in (root / "copies/01/submissions").iterdir()}
    assert kept == {"ann", "cyd", "dan", "eve"}


def test_a_team_s_members_are_not_nearly_identical(course: Course) -> None:
    """Where one of them has another helper beside it, say; two teams are."""
    text = (REPO / "solutions/01/polling.py").read_text()
    one, other = handed_in(course, "ann", text), handed_in(course, "bob", disguised(text))
    for teams, found in ((("a", "a"), 0), (("a", "b"), 1), (("", ""), 1), (("a", ""), 1)):
        pair = [replace(each, team=team) for each, team in zip((one, other), teams, strict=True)]
        assert len(nearly_identical(pair, course)["01"].groups) == found


def test_a_line_that_is_made_to_take_minutes_takes_none() -> None:
    """Quotes and backslashes in turn: tokenize tries each of them as the beginning of a text."""
    line = "x = " + "'\\" * 100_000 + "\n"
    tokens = similar.own_tokens({"polling.py": (line + "y = 1\n").encode()}, frozenset())
    assert len(tokens) <= 2 * 300
