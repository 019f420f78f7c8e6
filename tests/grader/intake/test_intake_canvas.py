"""Canvas's names that can be read in two ways: nobody is graded for somebody else."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from command_line import grader
from download import taken, zipped
from tiny_course import RIGHT, write_tiny_course

from grader.course import Course
from grader.errors import GraderError
from grader.intake.canvas import decide, readings
from grader.intake.collect import collect
from grader.intake.write import known_users


def whose(*names: str, numbers: set[str] | None = None) -> list[set[tuple[str, str]]]:
    """Name and number of those whose each file may be, after all were looked at."""
    found = decide([readings(PurePosixPath(name)) for name in names], numbers or ())
    return [{(one.student, one.user) for one in each} for each in found]


TEAM = "team_3_1103_5103_work.zip"
SUPPORTED = {
    "another file of the same person": ["team_3_1103_5104_doubling.py"],
    "late, which stands behind a name": ["team_3_LATE_1103_5104_doubling.py"],
    "the other name has another number": ["team_77_5000_doubling.py", "ann_3_5001_doubling.py"],
    "the upload is another file's": ["ann_900_1103_doubling.py"],
    "numbers of that size": ["doejane_1001_5001_doubling.py", "raybob_1060_5060_doubling.py"],
    "teams alone": ["team_4_1104_5104_work.zip", "team_12_1112_5112_work.zip"],
}


@pytest.mark.parametrize("case", SUPPORTED)
@pytest.mark.parametrize("order", [1, -1])
def test_the_rest_of_the_download_says_whose_it_is(case: str, order: int) -> None:
    """Of two readings the one that the other files support, wherever they stand."""
    names = [TEAM, *SUPPORTED[case]][::order]
    assert whose(*names)[names.index(TEAM)] == {("team_3", "1103")}


FILES_WITH_NUMBERS = {
    "another file": ["doejane_1001_5001_7777_work.zip", "doejane_1001_5002_doubling.py"],
    "sizes": ["doejane_1001_5001_1_doubling.py", "raybob_1002_5002_doubling.py"],
    "no number begins with 0": ["doejane_1001_5001_01_doubling.py"],
    "no name has a number inside": ["doejane_1001_5001_a_7_8_doubling.py"],
}


@pytest.mark.parametrize("case", FILES_WITH_NUMBERS)
def test_a_number_in_a_file_s_name_makes_no_team_of_a_student(case: str) -> None:
    """It is the student's file, called `1_doubling.py`, and not a team's upload."""
    assert whose(*FILES_WITH_NUMBERS[case])[0] == {("doejane", "1001")}


UNDECIDED = {
    "alone": [TEAM],
    "one of each name": ["red_1_1101_5101_work.zip", "blue_2_1102_5102_work.zip"],
    "a class of such files": [
        "smithjohn_1001_20_12345_work.zip",
        "smithjohn_2002_21_23456_work.zip",
        "doejane_1003_22_34567_work.zip",
    ],
}


@pytest.mark.parametrize("case", UNDECIDED)
def test_what_nothing_supports_stays_undecided(case: str) -> None:
    """Two readings of each, where both make sense."""
    assert all(len(each) == 2 for each in whose(*UNDECIDED[case]))


@pytest.mark.parametrize("numbers", [{"1103"}, {"3"}])
def test_a_roster_decides(numbers: set[str]) -> None:
    """The number that the course's list has."""
    ((found,),) = whose(TEAM, numbers=numbers)
    assert found[1] in numbers


@pytest.mark.parametrize(
    "names",
    [
        [TEAM],
        ["the_owls_1101_5101_work.zip", "night_shift_1102_5102_doubling.py"],
        ["team_3_1103_text.html", "team_4_1104_text.html"],
    ],
)
def test_a_download_of_such_names_alone_is_canvas_s(
    course: Course, tmp_path: Path, names: list[str]
) -> None:
    """Recognised without any plain name in it."""
    assert taken(course, tmp_path, dict.fromkeys(names, b"x")).kind == "canvas"


def test_an_undecided_file_is_a_line_and_nobody_s(tmp_path: Path) -> None:
    """Exit code 1 until a roster tells; then it is that team's, and 0."""
    root = write_tiny_course(tmp_path)
    (root / "download.zip").write_bytes(zipped({TEAM: zipped({"doubling.py": RIGHT.encode()})}))
    done = grader(root, "intake", "download.zip", "subs")
    assert done.returncode == 1
    assert (
        f"may be somebody else's, so is not taken: {TEAM} is 5103_work.zip of team, number 3 "
        "or work.zip of team_3, number 1103; a roster can tell (--roster)"
    ) in done.stdout
    assert not list((root / "subs").iterdir())
    (root / "grades.csv").write_bytes(
        "\ufeffStudent;ID;SIS User ID;SIS Login ID;Section\n    Points Possible;;;;\nDoe, Jane;1103;x;y;z\n".encode()
    )
    done = grader(root, "intake", "download.zip", "subs", "--roster", "grades.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in (root / "subs").iterdir()] == ["team_3"]
    (root / "other.csv").write_text("Name,Mail\nJane,x\n")
    done = grader(root, "intake", "download.zip", "subs", "--roster", "other.csv")
    assert done.returncode == 2
    assert "other.csv has no column ID with Canvas's numbers" in done.stderr


def test_an_earlier_intake_decides(course: Course, tmp_path: Path) -> None:
    """By the number that it wrote down; the work goes where that student's is, and a line says so."""
    source = tmp_path / "download.zip"
    source.write_bytes(zipped({TEAM: zipped({"doubling.py": b"x"})}))
    found = collect(source, course, known={"doejane": "canvas 1103"})
    assert set(found.files) == {("doejane", "01")}
    assert found.renamed == ["team_3 has the number of doejane"]


def test_one_number_of_two_names_is_refused(course: Course, tmp_path: Path) -> None:
    """Neither is taken, and the others are."""
    files = {
        "doejane_1103_5000_doubling.py": b"1",
        "the_owls_1103_5001_doubling.py": b"2",
        "raybob_1104_5002_doubling.py": b"3",
    }
    found = taken(course, tmp_path, files)
    assert set(found.files) == {("raybob", "01")}
    assert found.doubtful == [
        f"{name} has the number 1103, as doejane and the_owls have" for name in sorted(files)[:1]
    ] + ["the_owls_1103_5001_doubling.py has the number 1103, as doejane and the_owls have"]


def test_one_number_in_two_folders_is_refused(tmp_path: Path) -> None:
    """At intake and at export: a grade would reach whoever has the number by right."""
    root = write_tiny_course(tmp_path)
    for name in ("team", "team_3"):
        (root / "subs" / name / "01").mkdir(parents=True)
        (root / "subs" / name / "01" / "doubling.py").write_text(RIGHT)
        (root / "subs" / name / "lms-user.txt").write_text("canvas 1103\n")
    said = "team and team_3 in subs both have the number of canvas 1103"
    (root / "download.zip").write_bytes(zipped({"ann_1_2_doubling.py": b"x"}))
    done = grader(root, "intake", "download.zip", "subs")
    assert (done.returncode, said in done.stderr) == (2, True)
    assert not (root / "subs" / "ann").exists()
    grader(root, "grade", "subs", "--out", "results", "--no-gradebook")
    done = grader(root, "export", "results", "--format", "canvas", "--submissions", "subs")
    assert (done.returncode, done.stdout, said in done.stderr) == (2, "", True)
    with pytest.raises(GraderError, match="both have the number"):
        known_users(root / "subs")
