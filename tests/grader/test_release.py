"""`grader release`: what students get, and what they do not."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from command_line import grader
from tiny_course import RIGHT, write_tiny_course

from grader.authoring.leaks import find_leak
from grader.authoring.release import make_release
from grader.course import load_course
from grader.errors import GraderError

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course."""
    return write_tiny_course(tmp_path / "course")


def test_a_release_holds_no_private_file(course: Path, tmp_path: Path) -> None:
    """No solution, no suite, no known submission, by name or by content."""
    done = grader(course, "release", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    released = {
        p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*") if p.is_file()
    }
    assert {Path("course.toml"), Path("exercises/01/doubling.py")} <= released
    assert not [p for p in released if p.parts[0] in ("solutions", "tests")]
    for path in (tmp_path / "out").rglob("*.py"):
        assert path.read_text() != RIGHT


@pytest.mark.parametrize("edit", [("", ""), ("\n\n\n", "\n\n\n# mine\n"), ("event", "each")])
def test_an_exercise_solved_in_place_is_refused(
    course: Path, tmp_path: Path, edit: tuple[str, str]
) -> None:
    """The stub was overwritten with the solution, also an edited one: nothing is released."""
    solved = (course / "solutions/01/doubling.py").read_text().replace(*edit)
    (course / "exercises/01/doubling.py").write_text(solved)
    done = grader(course, "release", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "exercises/01/doubling.py" in done.stderr
    assert "private" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_one_line(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence says why; nothing is left behind."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", refuse)
    (tmp_path / "class").mkdir()
    with pytest.raises(GraderError, match="out cannot be written: No space left on device"):
        make_release(load_course(course), tmp_path / "class" / "out")
    assert not list((tmp_path / "class").iterdir())


def test_what_is_on_no_list_stays_at_home(course: Path, tmp_path: Path) -> None:
    """The history, caches, links, a student's progress, and files of other kinds."""
    for name in (".git/HEAD", ".grader/01.json", "notes.txt", "exercises/01/answers.pyc"):
        (course / name).parent.mkdir(exist_ok=True)
        (course / name).write_text("secret")
    (course / "exercises/01/linked.py").symlink_to(course / "solutions/01/doubling.py")
    grader(course, "release", str(tmp_path / "out"))
    assert sorted(
        str(path.relative_to(tmp_path / "out"))
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    ) == [
        "course.toml",
        "exercises/01/README.md",
        "exercises/01/doubling.py",
        "exercises/01/test_doubling.py",
        "exercises/conftest.py",
        "pyproject.toml",
        "resources/readme.md",
    ]


def test_the_students_own_readme_takes_the_place_of_the_other(course: Path, tmp_path: Path) -> None:
    """What lies in release/ wins."""
    (course / "README.md").write_text("for all")
    (course / "release").mkdir()
    (course / "release/README.md").write_text("for students")
    grader(course, "release", str(tmp_path / "out"))
    assert (tmp_path / "out/README.md").read_text() == "for students"
    assert not (tmp_path / "out/release").exists()


def test_a_folder_in_use_is_left_alone(course: Path, tmp_path: Path) -> None:
    """Nothing is overwritten."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("kept")
    done = grader(course, "release", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert (tmp_path / "out" / "mine").read_text() == "kept"


def test_check_in_a_release_runs_the_public_tests(course: Path, tmp_path: Path) -> None:
    """Without a hidden suite `grader check` goes by the public tests, and says what is not here."""
    grader(course, "release", str(tmp_path / "out"))
    done = grader(tmp_path / "out", "check", "01")
    assert done.returncode == 1
    assert "✗ 01.value" in done.stdout
    (tmp_path / "out/exercises/01/doubling.py").write_text(RIGHT)
    done = grader(tmp_path / "out", "check", "01")
    assert done.returncode == 0
    assert "the hidden suite looks at 2 more behaviours" in done.stdout


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release of this course."""
    folder = tmp_path_factory.mktemp("release") / "course"
    done = grader(REPO, "release", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


def test_its_readme_names_what_the_lessons_need(release: Path) -> None:
    """The servers of the demos, and the page of faults; what it links to is in the release."""
    readme = (release / "README.md").read_text(encoding="utf-8")
    for command in ("grader services up", "grader services down", "docker compose up --wait"):
        assert f"`{command}`" in readme
    links = re.findall(r"\]\(([^):#]+)", readme)
    assert "exercises/faults/README.md" in links
    assert not [link for link in links if not (release / link).is_file()]


def test_the_courses_own_release_has_lessons_and_stubs(release: Path) -> None:
    """Of every exercise; each file that students fill in is still a stub."""
    for exercise in load_course(release).exercises:
        folder = release / "exercises" / exercise.id
        assert (folder / "README.md").is_file()
        for name in exercise.files:
            assert "raise NotImplementedError" in (folder / name).read_text()
    assert sorted(path.name for path in release.iterdir()) == [
        *(".github", ".gitignore", ".gitlab-ci.yml", "LICENSE", "README.md", "course.toml"),
        *("docker-compose.yml", "exercises", "grader", "pyproject.toml"),
        *("requirements.lock", "resources"),
    ]


@pytest.mark.parametrize("folder", [REPO, REPO / "release"])
def test_what_setup_and_lessons_leave_is_not_handed_in(folder: Path, tmp_path: Path) -> None:
    """`git add -A` takes a learner's files and nothing else, in the course and in a students' copy."""
    left = (
        *(".venv/bin/python", ".grader/01.json", ".pytest_cache/README.md", "build/lib/grader.py"),
        *("stream_course.egg-info/PKG-INFO", "exercises/01/__pycache__/polling.pyc"),
        *("taxi_events.jsonl", "trips.jsonl.offset", "comparison.html", "mine.html"),
    )
    for name in (*left, "exercises/01/polling.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}\n")
    shutil.copy(folder / ".gitignore", tmp_path)
    git = ["git", "-C", str(tmp_path), "-c", f"core.excludesFile={os.devnull}"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    added = subprocess.run([*git, "ls-files"], check=True, capture_output=True, text=True).stdout
    assert added.splitlines() == [".gitignore", "exercises/01/polling.py"]


def test_the_courses_own_release_has_no_answers(release: Path) -> None:
    """Every file is opened: none is, or holds a function of, a private one; no history."""
    files = [path for path in release.rglob("*") if path.is_file()]
    assert len(files) > 100
    assert find_leak(REPO, files) == ""
    assert not [path for path in release.rglob("*") if path.name in ("tests", "solutions", ".git")]


def test_every_link_in_the_release_leads_to_a_file_of_it(release: Path) -> None:
    """Nothing that students read points at what they have not got."""
    for page in release.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in target and not target.startswith("mailto:"):
                assert (page.parent / target).exists(), f"{page.relative_to(release)}: {target}"
