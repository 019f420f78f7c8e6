"""Folders in folders that may be people or parts of a class: asked about, and --level answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from download import taken, zipped
from tiny_course import write_tiny_course

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.intake.collect import Collected, collect

REPO = Path(__file__).resolve().parents[3]
WORK = "polling.py"


@pytest.fixture
def course() -> Course:
    """This course, which has more than one exercise."""
    return load_course(REPO)


def _work(found: Collected) -> dict[tuple[str, str], set[bytes]]:
    return {key: {*files.values()} for key, files in found.files.items()}


OF_ONE_EACH = {
    "sections": [f"A/Jane/{WORK}", f"B/Zoe/{WORK}"],
    "teams, with folders of exercises": [f"Team 1/Jane/01/{WORK}", f"Team 2/Zoe/01/{WORK}"],
    "in an assignment's folder": [f"HW 1/A/Jane/{WORK}", f"HW 1/B/Zoe/{WORK}"],
    "three, of other exercises": [f"A/Jane/{WORK}", "B/Zoe/sqs.py", f"C/Al/{WORK}"],
}


@pytest.mark.parametrize("case", OF_ONE_EACH)
def test_sections_of_one_person_each_are_asked_about(
    course: Course, tmp_path: Path, case: str
) -> None:
    """A and B may be people with a folder each; nobody is graded under a section's name."""
    files = {path: path.encode() for path in OF_ONE_EACH[case]}
    outer = 2 if case.startswith("in") else 1
    with pytest.raises(GraderError, match=r"may be students, or the folders around") as asked:
        taken(course, tmp_path, files)
    assert f"--level {outer} if" in str(asked.value)
    assert f"--level {outer + 1} if Al and Jane" in str(asked.value) or "Zoe" in str(asked.value)
    source = tmp_path / "download.zip"
    source.write_bytes(zipped(files))
    for level in (outer, outer + 1):
        found = collect(source, course, level=level)
        assert found.students == {Path(path).parts[level - 1] for path in files}
        assert sum(map(len, found.files.values())) == len(files)


OF_ONE_S_OWN = {
    "called after its owner": [f"Jane Doe/jane_homework/{WORK}", f"Zoe/zoe/{WORK}"],
    "called as work": [f"jane/Exercise 1/{WORK}", f"zoe/polling/{WORK}"],
    "repositories": [f"jane/a-main/exercises/01/{WORK}", f"zoe/b/exercises/01/{WORK}"],
    "alike": [f"jane/stream-course/{WORK}", f"zoe/stream-course/{WORK}"],
    "one has none": [f"jane/thing/{WORK}", f"zoe/{WORK}"],
}


@pytest.mark.parametrize("case", OF_ONE_S_OWN)
def test_a_folder_of_one_s_own_is_not_asked_about(
    course: Course, tmp_path: Path, case: str
) -> None:
    """What people call their work, or what only some have, makes no section of its owner."""
    found = taken(course, tmp_path, dict.fromkeys(OF_ONE_S_OWN[case], b"x"))
    assert found.students == {Path(path).parts[0] for path in OF_ONE_S_OWN[case]}


def test_a_folder_for_each_exercise_is_nobody(course: Course, tmp_path: Path) -> None:
    """`01/jane/` is Jane's exercise 01; an archive there is called like its student."""
    files = {
        f"01/jane/{WORK}": b"jane 1",
        "01/zoe.zip": zipped({f"w/{WORK}": b"zoe 1"}),
        "04/jane/sqs.py": b"jane 4",
        "04/jane/timestamp.txt": b"2020-01-01 00:00:00 UTC",
    }
    found = taken(course, tmp_path, files)
    assert _work(found) == {
        ("jane", "01"): {b"jane 1"},
        ("jane", "04"): {b"jane 4"},
        ("zoe", "01"): {b"zoe 1"},
    }
    assert (found.copies, found.stamps) == ([], {})


def test_exercises_of_nobody_are_refused(course: Course, tmp_path: Path) -> None:
    """The folders of one person's exercises alone make no students called 01 and 04."""
    with pytest.raises(GraderError, match="01 is an exercise, and no student's name"):
        taken(course, tmp_path, {f"01/{WORK}": b"x", "04/sqs.py": b"x"})


def test_one_copy_of_the_course_is_refused(course: Course, tmp_path: Path) -> None:
    """Whose it is stands nowhere: nobody is called `exercises`, with two of them it is known."""
    files = {f"exercises/01/{WORK}": b"x", "exercises/04/sqs.py": b"y", "grader/cli.py": b"z"}
    with pytest.raises(GraderError, match="exercises is the folder of a whole course's exercises"):
        taken(course, tmp_path, files)
    two = {f"{who}/{name}": data for who in ("ann", "bob") for name, data in files.items()}
    assert {student for student, _ in _work(taken(course, tmp_path, two))} == {"ann", "bob"}


def test_a_number_may_be_a_student_s(course: Course, tmp_path: Path) -> None:
    """Where 02 holds a file of exercise 01, the folders are people's."""
    found = taken(course, tmp_path, {f"01/{WORK}": b"x", f"02/{WORK}": b"y"})
    assert _work(found) == {("01", "01"): {b"x"}, ("02", "01"): {b"y"}}


def test_exercises_with_some_of_the_class_are_asked_about(course: Course, tmp_path: Path) -> None:
    """Two handed in one and a third the other: nothing becomes `Exercise 01`'s work."""
    files = {f"Exercise 01/{who}/{WORK}": who.encode() for who in ("jane", "zoe")}
    files["Exercise 04/bo/sqs.py"] = b"bo 4"
    with pytest.raises(GraderError, match="Exercise 01 may hold several people's folders"):
        taken(course, tmp_path, files)
    found = collect(tmp_path / "download.zip", course, level=2)
    assert _work(found) == {
        ("jane", "01"): {b"jane"},
        ("zoe", "01"): {b"zoe"},
        ("bo", "04"): {b"bo 4"},
    }


FEWER = {
    "exercises": ("Exercise 01", "Exercise 04"),
    "weeks, in a course's folder": ("Course/Week 1", "Course/Week 2"),
    "questions of a quiz": ("Question_1_-_polling", "Question_2_-_queues"),
}


@pytest.mark.parametrize("case", FEWER)
def test_fewer_people_in_another_exercise_are_known(
    course: Course, tmp_path: Path, case: str
) -> None:
    """Where Jane and Zoe are people in one exercise's folder, Jane is one in the other's, too."""
    first, other = FEWER[case]
    files = {f"{first}/{who}/{WORK}": who.encode() for who in ("jane", "zoe")}
    found = taken(course, tmp_path, files | {f"{other}/jane/sqs.py": b"jane 4"})
    assert _work(found) == {
        ("jane", "01"): {b"jane"},
        ("zoe", "01"): {b"zoe"},
        ("jane", "04"): {b"jane 4"},
    }


@pytest.mark.parametrize("lone", ["s1", "s3"])
def test_people_in_some_folders_deep_inside_are_asked_about(
    course: Course, tmp_path: Path, lone: str
) -> None:
    """edX has a folder of no name for each block: nobody gets the work of all as `course`'s."""
    files = {f"course/b7f/{who}/attachments/{WORK}": who.encode() for who in ("s1", "s2")}
    files[f"course/c88/{lone}/attachments/sqs.py"] = b"4"
    with pytest.raises(GraderError, match="course may be a student, or a folder around s1 and s2"):
        taken(course, tmp_path, files)
    found = collect(tmp_path / "download.zip", course, level=3)
    assert found.students == {"s1", "s2", lone}


def test_the_teams_in_a_question_are_two(course: Course, tmp_path: Path) -> None:
    """ILIAS has members in teams; the line names two teams, though two are of the first."""
    files = {"B/Team 12/jane/polling.py": b"j", "B/Team 12/al/sqs.py": b"a"}
    with pytest.raises(GraderError, match="Team 12 and Team 13 may be students"):
        taken(course, tmp_path, files | {"B/Team 13/zoe/polling.py": b"z"})


def test_one_name_in_two_sections_is_nobody_s_at_a_level_too(
    course: Course, tmp_path: Path
) -> None:
    """Saying how deep people lie does not say that two of one name are one."""
    taken_twice = {f"{section}/jane/{WORK}": section.encode() for section in "AB"}
    source = tmp_path / "a.zip"
    source.write_bytes(zipped(taken_twice | {f"A/zoe/{WORK}": b"zoe"}))
    found = collect(source, course, level=2)
    assert _work(found) == {("zoe", "01"): {b"zoe"}}
    assert found.doubtful == ["A and B both hold polling.py of jane"]


def test_the_answer_to_a_question_is_an_option(tmp_path: Path) -> None:
    """The line of exit code 2 says what to type, and typing it works."""
    root = write_tiny_course(tmp_path / "course")
    (root / "a.zip").write_bytes(zipped({f"{p}/doubling.py": b"x" for p in ("A/Jane", "B/Zoe")}))
    asked = grader(root, "intake", "a.zip", "out")
    assert (asked.returncode, len(asked.stderr.splitlines())) == (2, 1)
    assert "--level 2 if Jane and Zoe are" in asked.stderr
    assert not (root / "out").exists()
    assert grader(root, "intake", "a.zip", "out", "--level", "2").returncode == 0
    assert {path.name for path in (root / "out").iterdir()} == {"Jane", "Zoe"}


def test_attempts_in_an_exercise_s_folder_stay_attempts(course: Course, tmp_path: Path) -> None:
    """The newest counts, whichever way the folders lie; its optional file is the exercise's."""
    files = {f"01/jane/{n}/{WORK}": b"%d" % n for n in (2, 10)}
    files |= {"01/jane/10/helpers.py": b"1", "04/jane/1/sqs.py": b"4"}
    files["01/zoe/exercises/01/polling.py"] = b"zoe"
    found = taken(course, tmp_path, files)
    assert found.files["jane", "01"] == {WORK: b"10", "helpers.py": b"1"}
    assert found.files["jane", "04"] == {"sqs.py": b"4"}
    assert found.files["zoe", "01"] == {WORK: b"zoe"}
    assert found.copies == []
