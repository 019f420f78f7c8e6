"""GitHub Classroom's repositories: `pipes-jdoe` is jdoe's, by the folder around or who is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from download import taken, zipped

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.intake.collect import Collected, collect
from grader.intake.earlier import Earlier

REPO = Path(__file__).resolve().parents[3]
FILE = "exercises/02/tail_pipe.py"


@pytest.fixture
def course() -> Course:
    """This course, which calls no exercise `pipes`."""
    return load_course(REPO)


def _beside(course: Course, tmp_path: Path, names: list[str], *there: str) -> Collected:
    """Repositories in no folder, beside people who are there."""
    source = tmp_path / "download.zip"
    source.write_bytes(zipped({f"{name}/{FILE}": b"x" for name in names}))
    return collect(source, course, earlier=Earlier(frozenset(there)))


@pytest.mark.parametrize("slug", ["pipes", "unix-pipes", "hw1-polling-a-file-fall-2026", "polling"])
@pytest.mark.parametrize("kind", ["auto", "github"])
@pytest.mark.parametrize("who", [["ann-kim", "ann-lee"], ["jdoe"], ["jdoe", "polling-jdoe"]])
def test_the_folder_around_tells_the_assignment(
    course: Course, tmp_path: Path, slug: str, kind: str, who: list[str]
) -> None:
    """As `gh classroom clone student-repos` makes it; nothing more is cut off of a login."""
    files = {f"{slug}-submissions/{slug}-{each}/{FILE}": b"x" for each in who}
    found = taken(course, tmp_path, files, kind)
    assert found.students == {*who}
    assert found.around == [f"{slug}-submissions"]
    assert not found.unmatched


def test_the_folder_around_may_be_the_download_itself(course: Course, tmp_path: Path) -> None:
    """The folder of the clone, and two assignments' side by side."""
    for slug in ("pipes", "streams"):
        for who in ("jdoe", "zoe-m"):
            path = tmp_path / "both" / f"{slug}-submissions" / f"{slug}-{who}" / "exercises"
            (path / ("02" if slug == "pipes" else "05")).mkdir(parents=True)
            name = "02/tail_pipe.py" if slug == "pipes" else "05/streams.py"
            (path / name).write_text("x")
    assert collect(tmp_path / "both/pipes-submissions", course).students == {"jdoe", "zoe-m"}
    assert collect(tmp_path / "both", course).students == {"jdoe", "zoe-m"}


@pytest.mark.parametrize(
    "names",
    [
        ["team-submissions/team-a", "team-submissions/team-b"],
        ["student-submissions/student-1", "student-submissions/student-2"],
        ["pipes-submissions/pipes-jdoe", "pipes-submissions/zoe"],
    ],
)
def test_other_names_are_left_whole(course: Course, tmp_path: Path, names: list[str]) -> None:
    """A team is called so, a number is no login, and one other name shows that it is no clone."""
    found = taken(course, tmp_path, {f"{name}/{FILE}": b"x" for name in names})
    assert found.students == {name.partition("/")[2] for name in names}


def test_who_is_there_tells_the_assignment(course: Course, tmp_path: Path) -> None:
    """Most are known without its name, and nobody with it."""
    names = ["pipes-jdoe", "pipes-zoe-m", "pipes-new"]
    assert _beside(course, tmp_path, names, "jdoe", "zoe-m").students == {"jdoe", "zoe-m", "new"}
    assert _beside(course, tmp_path, names, *names).students == {*names}


@pytest.mark.parametrize("there", [(), ("jdoe",)])
def test_repositories_of_a_word_that_nothing_tells_are_asked_about(
    course: Course, tmp_path: Path, there: tuple[str, ...]
) -> None:
    """It may be the assignment's, or their family's; --format and --level answer."""
    names = ["pipes-jdoe", "pipes-zoe-m", "pipes-new"]
    with pytest.raises(
        GraderError, match="may be students, or repositories of jdoe and new"
    ) as asked:
        _beside(course, tmp_path, names, *there)
    assert asked.value.help is not None
    assert "--format github" in asked.value.help
    source = tmp_path / "download.zip"
    assert collect(source, course, "github").students == {"jdoe", "zoe-m", "new"}
    assert collect(source, course, level=1).students == {*names}


def test_one_repository_is_of_who_is_there(course: Course, tmp_path: Path) -> None:
    """With the exercise's name before it; with another word it is asked about."""
    assert _beside(course, tmp_path, ["polling-zoe-m"], "zoe-m").students == {"zoe-m"}
    assert _beside(course, tmp_path, ["polling-zoe-m"], "jdoe").students == {"polling-zoe-m"}
    with pytest.raises(GraderError, match="pipes-zoe-m may be a student, or a repository of zoe-m"):
        _beside(course, tmp_path, ["pipes-zoe-m"], "zoe-m")


@pytest.mark.parametrize("inner", ["Jane Doe", "zoe-m"])
def test_one_person_s_repository_in_a_folder_is_asked_about(
    course: Course, tmp_path: Path, inner: str
) -> None:
    """The exercises' folders in it do not say whose it is; nobody is called `Assignment 1`."""
    with pytest.raises(GraderError, match=f"Assignment 1 or {inner} may be the student"):
        taken(course, tmp_path, {f"Assignment 1/{inner}/{FILE}": b"x"})
    repository = {f"jane/data-streams-main/{FILE}": b"x"}
    assert taken(course, tmp_path, repository).students == {"jane"}


@pytest.mark.parametrize("who", [["jdoe"], ["jdoe", "zoe-m"]])
def test_repositories_may_be_packed(course: Course, tmp_path: Path, who: list[str]) -> None:
    """Each for itself, in the folder that tells the assignment."""
    packed = zipped({FILE: b"x"})
    files = {f"pipes-submissions/pipes-{each}.zip": packed for each in who}
    assert taken(course, tmp_path, files).students == {*who}


def test_one_person_s_archive_in_a_folder_of_work_is_asked_about(
    course: Course, tmp_path: Path
) -> None:
    """As a folder is; an archive in a person's folder is that person's by whatever name."""
    packed = zipped({FILE: b"x"})
    with pytest.raises(GraderError, match="Assignment 1 or Jane Doe may be the student"):
        taken(course, tmp_path, {"Assignment 1/Jane Doe.zip": packed})
    for name in ("jane/work.zip", "jane/streams-course.zip", "jane/Jane Doe.zip"):
        assert taken(course, tmp_path, {name: packed}).students == {"jane"}


HOSTS = {
    "GitHub's, of two branches": ("polling-jdoe-main", "polling-akim-master"),
    "GitHub's, asked by a program": ("cs101-polling-jdoe-0a1b2c3", "cs101-polling-akim-1234567"),
    "GitLab's": (f"polling-jdoe-main-{'0a' * 20}", f"polling-akim-dev-{'1b' * 20}"),
}


@pytest.mark.parametrize("case", HOSTS)
@pytest.mark.parametrize("kind", ["archives", "folders"])
def test_branch_and_commit_are_no_part_of_a_name(
    course: Course, tmp_path: Path, case: str, kind: str
) -> None:
    """They are others a week later, and no row has such a name."""
    jdoe, akim = HOSTS[case]
    inner = {name: f"{name}/exercises/01/polling.py" for name in (jdoe, akim)}
    files = (
        {f"{name}.zip": zipped({path: name.encode()}) for name, path in inner.items()}
        if kind == "archives"
        else {path: name.encode() for name, path in inner.items()}
    )
    found = taken(course, tmp_path, files)
    assert {who: files["polling.py"] for (who, _), files in found.files.items()} == {
        "jdoe": jdoe.encode(),
        "akim": akim.encode(),
    }


@pytest.mark.parametrize(
    "names",
    [("doe-jane-1234567", "kim-zoe-7654321"), ("jdoe-main", "akim"), ("polling-a-main",)],
)
def test_what_may_be_part_of_a_name_stays(
    course: Course, tmp_path: Path, names: tuple[str, ...]
) -> None:
    """A student's number has seven digits, too; and one name shows nothing."""
    found = taken(course, tmp_path, {f"{name}/polling.py": b"x" for name in names})
    assert {who for who, _ in found.files} == {*names}
