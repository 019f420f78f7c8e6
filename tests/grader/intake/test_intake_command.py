"""`grader intake`, from a download to grades: what it says, what it refuses, and who reads why not."""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path

import pytest
from command_line import grader
from download import zipped
from tiny_course import RIGHT, write_tiny_course

from grader.class_folder import find_submissions
from grader.course import Course, load_course
from grader.errors import GraderError
from grader.intake.collect import collect
from grader.intake.people import read_teams
from grader.intake.unsorted import require_sorted
from grader.intake.write import write_submissions

REPO = Path(__file__).resolve().parents[3]
WORK = "doubling.py"


def test_from_an_lms_to_grades(tmp_path: Path) -> None:
    """`grader intake`, dry and for real and again, then `grader grade` on what it wrote."""
    root = write_tiny_course(tmp_path)
    (root / "download.zip").write_bytes(
        zipped(
            {
                "jane_1_2_doubling.py": RIGHT.encode(),
                "bob_LATE_3_4_doubling.py": b"def double(:\n",
                "eve_5_6_work.zip": b"nonsense",
                "instructions.pdf": b"x",
            }
        )
    )
    dry = grader(root, "intake", "download.zip", "subs", "--dry-run")
    assert dry.returncode == 1
    assert not (root / "subs").exists()
    done = grader(root, "intake", "download.zip", "subs")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        "canvas: 2 submissions of 2 students (and a row without work for 1 other student) "
        "are in subs"
    )
    assert "instructions.pdf: no student's name is in it" in done.stdout
    assert "eve: work.zip cannot be read" in done.stdout
    assert "is marked late: bob 01" in done.stdout
    assert grader(root, "intake", "download.zip", "subs").stdout == done.stdout
    assert not list((root / "subs").glob(".*"))
    grader(root, "grade", "subs", "--json", "all.json")
    scores = {
        r["student"]: r["score"] for r in json.loads((root / "all.json").read_text())["reports"]
    }
    assert scores == {"jane": 10, "bob": 0, "eve": 0}


def test_from_canvas_to_canvas(tmp_path: Path) -> None:
    """The number in the download's names is the ID of the table that goes back."""
    root = write_tiny_course(tmp_path)
    (root / "download.zip").write_bytes(zipped({"doejane_1011_2_doubling.py": RIGHT.encode()}))
    grader(root, "intake", "download.zip", "subs")
    grader(root, "grade", "subs", "--out", "results", "--no-gradebook")
    export = ("export", "results", "--format", "canvas", "--submissions")
    (*_, jane) = csv.reader(grader(root, *export, "subs").stdout.splitlines())
    assert jane == ["doejane", "1011", "", "", "", "10"]
    done = grader(root, *export, "results")
    assert (done.returncode, done.stdout) == (2, "")
    assert "holds no student with a number of Canvas's" in done.stderr


def missing(root: Path) -> dict[str, str]:
    """By student: what is said of doubling.py, of those who have none."""
    found = find_submissions(root / "subs", load_course(root))
    return {each.student: each.problems["doubling"] for each in found if each.problems}


@pytest.mark.parametrize("option", [[], ["--exercise", "01"]])
def test_who_handed_in_something_else_reads_why_it_does_not_count(
    tmp_path: Path, option: list[str]
) -> None:
    """Beside the missing file they read what came instead, until the file itself comes."""
    root = write_tiny_course(tmp_path)
    download = {
        "ann_1_1_doubling.py": RIGHT.encode(),
        "bob_2_2_Doubling (1).py.txt": RIGHT.encode(),
        "cy_3_3_work.zip": zipped({"../../doubling.py": RIGHT.encode()}),
        "di_4_4_work.zip": zipped({"a/Doubling.py": RIGHT.encode(), "README.md": b"x"}),
        "eve_5_5_notes.txt": b"x",
        "flo_6_6_\x7f<b>.zip": b"",
    }
    (root / "download.zip").write_bytes(zipped(download))
    assert grader(root, "intake", "download.zip", "subs", *option).returncode == 1
    text = "doubling.py is missing from the submission"
    assert missing(root) == {
        "bob": f"{text}; Doubling (1).py.txt was handed in, and the name is doubling.py",
        "cy": f"{text}; work.zip was not taken: it holds a name that leads elsewhere: "
        "'../../doubling.py'",
        "di": f"{text}; Doubling.py was handed in, and the name is doubling.py",
        "eve": f"{text}; notes.txt is no file of an exercise",
        "flo": f"{text}; \x7f<b>.zip was not taken: it cannot be read: File is not a zip file",
    }
    for name in ("bob_2_7_doubling.py", "cy_3_8_doubling.py"):
        download[name] = RIGHT.encode()
    (root / "download.zip").write_bytes(zipped(download))
    grader(root, "intake", "download.zip", "subs", *option)
    assert set(missing(root)) == {"di", "eve", "flo"}


def test_why_something_does_not_count_is_one_bounded_line(course: Course, tmp_path: Path) -> None:
    """Whatever a student names it; and it makes nobody a submission of an exercise."""
    jane = tmp_path / "class" / "jane"
    jane.mkdir(parents=True)
    (tmp_path / "class" / "bob").mkdir()
    (tmp_path / "class" / "bob" / "doubling.py").write_text(RIGHT)
    for number in range(5):
        (jane / f"{number}\n\udcff{'x' * 200}.zip").write_bytes(b"")
    found = collect(tmp_path / "class", course, exercise="01")
    write_submissions(found, tmp_path / "subs")
    _, of_jane = find_submissions(tmp_path / "subs", course)
    said = of_jane.problems["doubling"]
    assert said.startswith("doubling.py is missing from the submission; 0 \\udcffxxx")
    assert "\n" not in said
    assert len(said) < 700
    found.files.clear()
    write_submissions(found, tmp_path / "others")
    assert (tmp_path / "others/jane/01/not-taken.txt").is_file()
    with pytest.raises(GraderError, match="holds a file of an exercise"):
        find_submissions(tmp_path / "others", course)


@pytest.mark.parametrize(
    ("source", "sentence"), [("nowhere.zip", "does not exist"), ("course.toml", "is no zip")]
)
def test_a_source_that_cannot_be_read_is_one_line(
    tmp_path: Path, source: str, sentence: str
) -> None:
    """Exit code 2, and nothing is written."""
    root = write_tiny_course(tmp_path)
    done = grader(root, "intake", source, "subs")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not (root / "subs").exists()


@pytest.mark.parametrize(
    ("source", "target"),
    [("subs", "subs"), ("subs", "subs/sorted"), ("subs/.", "."), ("link", "subs")],
)
def test_a_folder_is_not_sorted_into_itself(tmp_path: Path, source: str, target: str) -> None:
    """It would lose what else students have there; refused also when dry, and by another name."""
    root = write_tiny_course(tmp_path)
    work = root / "subs/jane/01"
    work.mkdir(parents=True)
    (work / "doubling.py").write_text(RIGHT)
    (work / "notes.txt").write_text("mine")
    (root / "link").symlink_to("subs")
    for dry in ([], ["--dry-run"]):
        done = grader(root, "intake", source, target, *dry)
        assert done.returncode == 2
        assert "are one folder, or one lies in the other" in done.stderr
    assert {path.name for path in work.iterdir()} == {"doubling.py", "notes.txt"}
    assert [path.name for path in (root / "subs").iterdir()] == ["jane"]


def test_the_class_of_60_is_60_students(tmp_path: Path) -> None:
    """scripts/class_of_60.py, which plays a whole class: everybody has a row, the broken ones too."""
    spec = importlib.util.spec_from_file_location("class_of_60", REPO / "scripts/class_of_60.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    source = tmp_path / "download.zip"
    source.write_bytes(script.download())
    found = collect(source, load_course(REPO), exercise="01")
    assert found.kind == "canvas"
    assert len(found.students) == 60
    assert len(found.files) == 53
    assert {"zo\u00eb", "matryoshka"} <= {student for student, _ in found.files}
    assert len(found.problems) == 4
    assert [line.partition(":")[0] for line in sorted(found.unmatched)] == [
        "instructions.pdf",
        "rar",
        "typist",
        "writer",
    ]
    assert {student for student, _, _ in found.refused} == {
        *("broken", "bomb", "climber", "linker", "rar", "typist", "writer"),
    }
    assert len(found.older) == 6
    assert len(found.late) == 8
    assert not found.copies
    source.write_bytes(script.teams())
    (tmp_path / "teams.csv").write_bytes(script.members())
    teams = read_teams(tmp_path / "teams.csv")
    assert len(collect(source, load_course(REPO), teams=teams).files) == 9


UNSORTED = {
    "Moodle": ("Jane Doe_11_assignsubmission_file_/doubling.py",),
    "Brightspace": (
        "39-25 - Mary-Ann Smith - Sep 24, 2026 926 PM/doubling.py",
        "39-25 - Jo Ray - Sep 24, 2026 926 PM/doubling.py",
        "index.html",
    ),
    "Canvas": ("doejane_1_2_doubling.py", "kimzoe_3_4_doubling.py"),
    "Blackboard": ("HW_jdoe_attempt_2026-11-20-10-11-12_doubling.py",),
    "Gradescope": ("submission_1/doubling.py", "submission_2/doubling.py"),
    "GitHub Classroom": ("exercise-1-jdoe/exercises/01/a.py", "exercise-1-zoe/exercises/01/a.py"),
}


@pytest.mark.parametrize("kind", UNSORTED)
def test_a_download_is_not_graded_before_it_is_taken_in(tmp_path: Path, kind: str) -> None:
    """Nobody gets a grade under a folder's name, and no second attempt is a second student."""
    root = write_tiny_course(tmp_path / "course")
    for name in UNSORTED[kind]:
        path = root / "download" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    done = grader(root, "grade", "download")
    assert done.returncode == 2
    assert f"download has the names of a download of {kind}'s" in done.stderr
    assert "grader intake download submissions" in done.stderr


def test_a_clone_of_github_classroom_is_not_graded(tmp_path: Path) -> None:
    """Its folder tells the assignment's name; one that only ends so holds students."""
    root = write_tiny_course(tmp_path / "course")
    for name in ("pipes-submissions/pipes-jdoe", "my-submissions/jdoe"):
        path = root / name / WORK
        path.parent.mkdir(parents=True)
        path.write_text(RIGHT)
    done = grader(root, "grade", "pipes-submissions")
    assert done.returncode == 2
    assert "of a download of GitHub Classroom's" in done.stderr
    require_sorted(root / "my-submissions", load_course(root))
