"""What a download does not tell is said: whose it is, why it is none, and that nothing counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from download import taken, zipped
from tiny_course import write_tiny_course

from grader.course import Course
from grader.errors import GraderError
from grader.intake.collect import collect
from grader.intake.write import write_submissions

WORK = "doubling.py"


def test_a_browser_s_number_makes_no_second_student(course: Course, tmp_path: Path) -> None:
    """`Jane Doe (1)` may be her again or a namesake: neither is graded for the other."""
    files = {f"{who}/{WORK}": who.encode() for who in ("Jane Doe", "Jane Doe (1)", "Zoe Kim")}
    found = taken(course, tmp_path, files)
    assert set(found.files) == {("Zoe Kim", "01")}
    assert found.students == {"Jane Doe", "Zoe Kim"}
    assert len(found.doubtful) == 1
    assert "Jane Doe and Jane Doe (1) may be one person's, or two people's" in found.doubtful[0]
    assert [who for who, _, _ in found.refused] == ["Jane Doe"]


def test_archives_that_a_number_alone_tells_apart_are_nobody_s(
    course: Course, tmp_path: Path
) -> None:
    """GitLab calls each fork's archive like the course: no row has that name."""
    inner = zipped({f"streams-main/exercises/01/{WORK}": b"x"})
    names = ("streams-main.zip", "streams-main (1).zip", "streams-main (2).zip")
    found = taken(course, tmp_path, dict.fromkeys(names, inner))
    assert (found.students, found.files) == (set(), {})
    assert sorted(found.unmatched) == [
        f"{name} names no student: all are called streams-main, with a number"
        for name in sorted(names)
    ]


@pytest.mark.parametrize("name", ["solution", "Solutions", "Musterlösung"])
def test_a_teacher_s_folder_is_no_student(course: Course, tmp_path: Path, name: str) -> None:
    """Beside students' folders a solution is a line; around them it is only a folder."""
    files = {f"{who}/{WORK}": b"x" for who in ("Jane", "Zoe")}
    found = taken(course, tmp_path, files | {f"{name}/{WORK}": b"x"})
    assert found.students == {"Jane", "Zoe"}
    assert found.unmatched == [f"{name} lies beside the students' folders, and names no student"]
    around = {f"{name}/{path}": data for path, data in files.items()}
    assert taken(course, tmp_path, around).students == {"Jane", "Zoe"}


def test_a_name_that_was_meant_tells_where_people_s_folders_lie(
    course: Course, tmp_path: Path
) -> None:
    """Of two students one has the right name: `HW` is not asked about."""
    found = taken(course, tmp_path, {f"HW/Jane/Copy of {WORK}": b"x", f"HW/Zoe/{WORK}": b"x"})
    assert found.around == ["HW"]
    assert found.unmatched == [f"Jane: Copy of {WORK} was handed in, and the name is {WORK}"]


NO_WORK = {
    "doubling.py.lnk": "a link to a file",
    "doubling.url": "a link to a file",
    ".doubling.py.icloud": "a link to a file",
    "doubling.py.gdoc": "a link to a file",
    "Homework.eml": "an e-mail",
    "doubling.pyc": "compiled code",
    "doubling.py.crdownload": "a download that was cut",
}


@pytest.mark.parametrize("name", NO_WORK)
def test_what_stands_for_a_file_is_said_to_be_that(
    course: Course, tmp_path: Path, name: str
) -> None:
    """Student and instructor read what it is, and what to hand in."""
    found = taken(course, tmp_path, {f"Jane/{name}": b"x", f"Zoe/{WORK}": b"x"})
    (line,) = found.unmatched
    assert line.startswith(f"Jane: {name} was not taken: it is {NO_WORK[name]}")
    assert line.endswith("hand in the file itself")
    assert [f"{who}: {why}" for who, _, why in found.refused] == [line]


CONFLICTS = [
    "doubling (conflicted copy 2026-11-20 101112).py",
    "doubling (Jane's conflicted copy 2026-11-20).py",
    "doubling.sync-conflict-20261120-101112-ABC1234.py",
]


@pytest.mark.parametrize("name", CONFLICTS)
def test_a_copy_in_conflict_is_said(course: Course, tmp_path: Path, name: str) -> None:
    """It may be the newer one where the file is there too, and is not taken where it is not."""
    files = {f"Jane/{name}": b"x", f"Zoe/{WORK}": b"x"}
    found = taken(course, tmp_path, files)
    assert found.unmatched == [f"Jane: {name} was handed in, and the name is {WORK}"]
    found = taken(course, tmp_path, files | {f"Jane/{WORK}": b"y"})
    assert found.files["Jane", "01"] == {WORK: b"y"}
    assert found.unmatched == [f"Jane: {name} lies beside {WORK}, which is taken"]


@pytest.mark.parametrize("name", ["E_jane_attempt_2026-11-{}-23-59-00"])
def test_a_newest_attempt_without_work_is_said(course: Course, tmp_path: Path, name: str) -> None:
    """The older one is taken, and whoever runs it may look at the newer one."""
    files = {
        f"{name.format('20')}_{WORK}": b"x",
        f"{name.format('20')}.txt": b"",
        f"{name.format('22')}.txt": b"Submission Field: my code, pasted",
    }
    found = taken(course, tmp_path, files)
    assert set(found.files) == {("jane", "01")}
    (line,) = found.unmatched
    assert line == ("jane: the newest attempt holds no file of an exercise, an older one is taken")


def test_a_link_to_a_folder_is_somebody_s(course: Course, tmp_path: Path) -> None:
    """Who has nothing else has a line and a row; beside work it is nobody's problem."""
    top = tmp_path / "class"
    for who in ("Jane", "Zoe", "Di", "Bo"):
        (top / who).mkdir(parents=True)
    for who in ("Jane", "Zoe"):
        (top / who / WORK).write_bytes(b"x")
    (top / "Al").symlink_to(top / "Jane")
    (top / "Di" / "hw").symlink_to(top / "Jane")
    (top / "Zoe" / "data").symlink_to(top)
    (top / "Bo" / "env").mkdir()
    (top / "Bo" / "env" / "pyvenv.cfg").touch()
    (top / "Bo" / "env" / "lib64").symlink_to(top)
    found = collect(top, course)
    assert set(found.files) == {("Jane", "01"), ("Zoe", "01")}
    assert found.students == {"Jane", "Zoe", "Al", "Di", "Bo"}
    assert sorted(found.problems) == [
        f"{path} is a link, which is not followed" for path in ("Al", "Di/hw")
    ]
    refused = {who: why for who, _, why in found.refused}
    assert refused["Di"] == "hw was not taken: it is a link, which is not followed"


def test_a_zip_of_explorer_s_has_the_names_of_western_europe(
    course: Course, tmp_path: Path
) -> None:
    """Code page 850, where 437 has boxes; what may be a name in 437 stays."""
    data = zipped({f"HW/{who}/{WORK}": b"x" for who in ("JoXo", "ZoY")})
    source = tmp_path / "a.zip"
    source.write_bytes(data.replace(b"JoXo", b"Jo\xc6o").replace(b"ZoY", b"Zo\x89"))
    assert collect(source, course).students == {"João", "Zoë"}


def test_nothing_that_counts_is_no_success(tmp_path: Path) -> None:
    """A download of marked copies, taken in by mistake: a line and exit code 1."""
    root = write_tiny_course(tmp_path / "course")
    marked = {f"Jane Doe_1_assignfeedback_file_/{WORK}": b"marked"}
    (root / "a.zip").write_bytes(zipped(marked))
    done = grader(root, "intake", "a.zip", "out")
    assert done.returncode == 1
    assert "did not count: nothing in it is a file of an exercise" in done.stdout


def test_a_folder_that_cannot_be_written_is_named(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By where it is, not by where its content was made ready; root may write anywhere."""
    found = taken(course, tmp_path, {f"{who}/{WORK}": b"x" for who in ("Jane", "Zoe")})

    def refused(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self), None, str(target))

    monkeypatch.setattr(Path, "replace", refused)
    out = tmp_path / "out"
    with pytest.raises(GraderError) as error:
        write_submissions(found, out)
    assert f"{out / 'Jane' / '01'} cannot be written: Permission denied" in str(error.value)
    assert not list(out.glob("*/*/*"))
    assert not list(out.glob(".intake-*"))


def test_two_names_that_differ_in_case_alone_are_asked_about(tmp_path: Path) -> None:
    """It is said what is so, and not that neither holds a file of an exercise."""
    root = write_tiny_course(tmp_path)
    (root / "a.zip").write_bytes(zipped({f"{who}/doubling.py": b"x" for who in ("Al Po", "al po")}))
    done = grader(root, "intake", "a.zip", "subs")
    assert done.returncode == 1
    assert "Al Po and al po differ in capital letters alone, and may be one person's" in done.stdout
    assert "did not count: nothing of it was taken" in done.stdout
    assert "names no student" not in done.stdout
    assert "nothing in it is a file" not in done.stdout


def test_a_download_that_was_cut_is_to_be_downloaded_again(tmp_path: Path) -> None:
    """No program unpacks what is not there."""
    root = write_tiny_course(tmp_path)
    whole = zipped({f"{who}/doubling.py": b"x" * 500 for who in ("Al Po", "Bo Ng")})
    (root / "a.zip").write_bytes(whole[: len(whole) // 2])
    done = grader(root, "intake", "a.zip", "subs")
    assert done.returncode == 2
    assert "a.zip cannot be read" in done.stderr
    assert "Download it again" in done.stderr
