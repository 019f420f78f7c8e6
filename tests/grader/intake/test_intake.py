"""Intake: which attempt and which copy counts, when it came, and what is written."""

from __future__ import annotations

import csv
import importlib.util
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import grader
from download import taken, zipped
from tiny_course import RIGHT, write_tiny_course

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.intake.collect import collect
from grader.intake.people import read_teams
from grader.intake.write import write_submissions
from grader.submission import find_submissions

REPO = Path(__file__).resolve().parents[3]


@pytest.fixture
def course_of_two() -> Course:
    """This course, whose exercise 02 has two files."""
    return load_course(REPO)


ATTEMPTS = {
    "canvas": ("jane_1_20_doubling.py", "jane_LATE_1_21_doubling-1.py"),
    "brightspace": (
        "1-2 - Jane - Nov 3, 2026 1159 PM/doubling.py",
        "1-2 - Jane - Nov 23, 2026 959 AM/doubling.py",
    ),
    "blackboard": (
        "E_jane_attempt_2026-11-03-23-59-00_doubling.py",
        "E_jane_attempt_2026-11-23-09-59-00_doubling.py",
    ),
}


@pytest.mark.parametrize("kind", ATTEMPTS)
@pytest.mark.parametrize("order", [1, -1])
def test_the_newest_attempt_counts(course: Course, tmp_path: Path, kind: str, order: int) -> None:
    """Whatever the order in the download; the format is recognised by the names."""
    old, new = ATTEMPTS[kind]
    files = {old: b"old", new: b"new"}
    found = taken(course, tmp_path, dict(list(files.items())[::order]))
    assert found.kind == kind
    ((who, files_of_who),) = found.files.items()
    assert who[1] == "01"
    assert files_of_who == {"doubling.py": b"new"}
    assert len(found.older) == 1


def test_canvas_numbers_file_by_file(course_of_two: Course, tmp_path: Path) -> None:
    """One file of two was handed in again: the other one still counts."""
    files = {
        "jane_1_19_tail_pipe.py": b"old",
        "jane_1_20_tail_pipe-1.py": b"new",
        "jane_1_21_tcp_socket.py": b"other",
    }
    found = taken(course_of_two, tmp_path, files)
    assert found.files == {("jane", "02"): {"tail_pipe.py": b"new", "tcp_socket.py": b"other"}}
    assert found.older == ["jane 02: an older tail_pipe.py"]


HELPERS = {
    "flat": {
        "jane_1_20_polling.py": ("01", "polling.py"),
        "jane_1_21_helpers.py": ("01", "helpers.py"),
    },
    "two-exercises-by-folder": {
        "jane/exercises/01/polling.py": ("01", "polling.py"),
        "jane/exercises/01/helpers.py": ("01", "helpers.py"),
        "jane/exercises/02/tail_pipe.py": ("02", "tail_pipe.py"),
    },
}


@pytest.mark.parametrize("layout", HELPERS)
def test_an_optional_file_goes_with_its_exercise(
    course_of_two: Course, tmp_path: Path, layout: str
) -> None:
    """Its folder tells whose it is, else the files that came with it; nobody gets a row by it."""
    files = HELPERS[layout]
    found = taken(course_of_two, tmp_path, {path: path.encode() for path in files})
    wanted: dict[tuple[str, str], dict[str, bytes]] = {}
    for path, (number, name) in files.items():
        wanted.setdefault(("jane", number), {})[name] = path.encode()
    assert found.files == wanted
    assert found.unmatched == []


def test_an_optional_file_alone_is_no_submission(course_of_two: Course, tmp_path: Path) -> None:
    """A line says so."""
    found = taken(course_of_two, tmp_path, {"jane_1_20_helpers.py": b""})
    assert found.files == {}
    (line,) = found.unmatched
    assert "came without a file of its exercise" in line


def test_an_attempt_with_a_time_is_taken_whole(course_of_two: Course, tmp_path: Path) -> None:
    """A file that was handed in earlier only is no part of it."""
    files = {
        "E_jane_attempt_2026-11-03-23-59-00_tcp_socket.py": b"old",
        "E_jane_attempt_2026-11-23-09-59-00_tail_pipe.py": b"new",
    }
    found = taken(course_of_two, tmp_path, files)
    assert found.files == {("jane", "02"): {"tail_pipe.py": b"new"}}
    assert found.older == ["jane 02: an older attempt"]


TIMES = {
    "brightspace": "1-2 - Jane - Nov 3, 2026 1159 PM/doubling.py",
    "blackboard": "E_Jane_attempt_2026-11-03-23-59-00_doubling.py",
}


@pytest.mark.parametrize("kind", TIMES)
def test_a_time_in_a_name_becomes_the_time_of_handing_in(
    course: Course, tmp_path: Path, kind: str
) -> None:
    """As nbgrader writes it, in this machine's zone; late penalties follow from it."""
    write_submissions(taken(course, tmp_path, {TIMES[kind]: b"x = 1\n"}), tmp_path / "subs")
    (submission,) = find_submissions(tmp_path / "subs", course)
    assert submission.submitted == datetime(2026, 11, 3, 23, 59).astimezone()


def test_nbgraders_own_timestamps_are_kept(course: Course, tmp_path: Path) -> None:
    """Its `submitted` folder, with the time beside the work."""
    files = {"jane/01/doubling.py": b"x = 1\n", "jane/01/timestamp.txt": b"2026-11-03 10:00:00 UTC"}
    found = taken(course, tmp_path, files)
    assert found.kind == "nbgrader"
    assert not found.unmatched
    write_submissions(found, tmp_path / "subs")
    (submission,) = find_submissions(tmp_path / "subs", course)
    assert submission.submitted == datetime(2026, 11, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("place", ["exercises/01", "01", "01/src"])
def test_no_student_writes_the_time_of_handing_in(
    course: Course, tmp_path: Path, place: str
) -> None:
    """In repositories a timestamp.txt is the student's own: it is passed over, and says nothing."""
    files = {
        "bob/exercises/01/doubling.py": b"x = 1\n",
        "jane/exercises/01/doubling.py": b"x = 1\n",
        f"jane/{place}/timestamp.txt": b"2020-01-01 00:00:00 UTC",
    }
    found = taken(course, tmp_path, files)
    assert found.kind == "folder"
    assert not found.stamps
    assert not found.unmatched
    assert found.passed_over == {"jane": 1}


def test_nbgraders_stamp_lies_right_beside_the_work(course: Course, tmp_path: Path) -> None:
    """Deeper down it is something that the student handed in."""
    files = {
        "jane/01/doubling.py": b"x = 1\n",
        "jane/01/notes/timestamp.txt": b"2020-01-01 00:00:00 UTC",
    }
    assert not taken(course, tmp_path, files, "nbgrader").stamps


def test_a_late_mark_without_a_time_stays_with_the_newest_attempt(
    course: Course, tmp_path: Path
) -> None:
    """Canvas says LATE and not when; an attempt that was in time and is replaced does not count."""
    files = {
        "jane_1_20_doubling.py": b"x = 1\n",
        "jane_LATE_1_21_doubling-1.py": b"x = 2\n",
        "bob_3_4_doubling.py": b"x = 3\n",
    }
    found = taken(course, tmp_path, files)
    assert found.late == {("jane", "01")}
    write_submissions(found, tmp_path / "subs")
    late = {each.student: each.marked_late for each in find_submissions(tmp_path / "subs", course)}
    assert late == {"bob": False, "jane": True}
    write_submissions(taken(course, tmp_path, {"jane_1_20_doubling.py": b"x"}), tmp_path / "subs")
    again = find_submissions(tmp_path / "subs", course)
    assert not any(each.marked_late for each in again)


def test_a_students_archive_and_repository_are_looked_into(course: Course, tmp_path: Path) -> None:
    """An archive inside of the download, and the folders of a repository in it."""
    inner = zipped({"repo/exercises/01/doubling.py": b"mine", "repo/README.md": b"x"})
    found = taken(course, tmp_path, {"jane_1_2_work.zip": inner, "bob_3_4_doubling.py": b"his"})
    assert found.files["jane", "01"] == {"doubling.py": b"mine"}
    assert found.files["bob", "01"] == {"doubling.py": b"his"}
    assert not found.unmatched


COPIES = {
    "the course's layout": (
        ["backup/01/doubling.py", "exercises/01/doubling.py", "zz_old/01/doubling.py"],
        "exercises/01/doubling.py is taken, not backup/01/doubling.py or 1 more",
    ),
    "the exercise's folder": (
        ["01/doubling.py", "doubling.py"],
        "01/doubling.py is taken, not doubling.py",
    ),
    "the less deep one": (
        ["a/b/doubling.py", "src/doubling.py"],
        "src/doubling.py is taken, not a/b/doubling.py",
    ),
}


@pytest.mark.parametrize("inside", ["folder", "zip"])
@pytest.mark.parametrize("case", COPIES)
def test_of_two_copies_the_one_in_its_place_is_taken(
    course: Course, tmp_path: Path, case: str, inside: str
) -> None:
    """Whatever sorts first or last, in a folder and in an archive; and it is said which one."""
    paths, said = COPIES[case]
    right = said.partition(" is taken")[0]
    files = {path: b"right" if path == right else b"stub" for path in paths}
    if inside == "zip":
        files = {"work.zip": zipped({path.replace("/", "\\"): files[path] for path in files})}
        said = "work.zip/" + said.replace("not ", "not work.zip/")
    found = taken(course, tmp_path, {f"jane/{path}": data for path, data in files.items()})
    assert found.files == {("jane", "01"): {"doubling.py": b"right"}}
    assert found.copies == [f"jane 01: {said}"]


def test_two_copies_are_a_line_where_they_differ(tmp_path: Path) -> None:
    """Then the exit code is 1; equal ones, and what `grader reset` put aside, are none."""
    root = write_tiny_course(tmp_path)
    for where in ("exercises/01", "old", ".grader/before-reset/20261101-100000/01"):
        (root / "class/jane" / where).mkdir(parents=True)
        (root / "class/jane" / where / "doubling.py").write_text(RIGHT)
    (root / "class/jane/.grader/before-reset/20261101-100000/01/doubling.py").write_text("stub\n")
    assert grader(root, "intake", "class", "subs").returncode == 0
    (root / "class/jane/old/doubling.py").write_text("stub\n")
    done = grader(root, "intake", "class", "subs")
    assert done.returncode == 1
    assert "is there twice and differs: jane 01: exercises/01/doubling.py is taken" in done.stdout


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
    """Not only that a file is missing, until it comes."""
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
