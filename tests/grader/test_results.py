"""Results on disk: whole, found again, and one run at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_course import MANIFEST

from grader.course import load_course
from grader.errors import GraderError
from grader.files import make_folder, require_writable, write_whole, writing_whole
from grader.gradebook.results import Results, folder_name
from grader.report import CheckResult, Outcome, Report


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """A report of ann's."""
    (tmp_path / "course.toml").write_text(MANIFEST)
    exercise = load_course(tmp_path).exercise("01")
    return Report(
        student="ann",
        exercise="01",
        score=10,
        max_score=10,
        provisional=False,
        sandbox="bubblewrap",
        seed=1,
        submission_hash="a",
        suite_hash="b",
        checks=tuple(CheckResult.of(check, Outcome.PASSED) for check in exercise.checks),
    )


def test_a_saved_report_is_found_again(tmp_path: Path, report: Report) -> None:
    """The same report, and only that student's."""
    results = Results(tmp_path / "out")
    results.save(report)
    assert results.load("ann", "01") == report
    assert results.load("ben", "01") is None
    assert list(results.all()) == [report]


@pytest.mark.parametrize(
    "name", ["a" * 300, "ä" * 200, "../../etc", ".hidden", "..", "x/y", "\udcff" * 3]
)
def test_no_name_leaves_the_folder_of_results(tmp_path: Path, report: Report, name: str) -> None:
    """A name that no folder can have gets a short one of its own."""
    results = Results(tmp_path / "out")
    results.save(report.model_copy(update={"student": "ben"}))
    path = results.path(name, "01")
    assert path.resolve().is_relative_to((tmp_path / "out" / "reports").resolve())
    assert path.parent.name not in {"", ".", "..", "ben"}
    assert len(path.parent.name.encode(errors="replace")) <= 120
    assert folder_name(name) != folder_name(name + "b")


def test_a_torn_file_is_graded_again_and_never_exported(tmp_path: Path, report: Report) -> None:
    """load() finds nothing, all() says which file."""
    results = Results(tmp_path / "out")
    results.save(report)
    path = results.path("ann", "01")
    path.write_text(path.read_text()[:50])
    assert results.load("ann", "01") is None
    with pytest.raises(GraderError, match=r"01\.json is not a report"):
        list(results.all())


def test_no_results_are_said_in_a_sentence(tmp_path: Path) -> None:
    """An empty folder is a mistake, not an empty class."""
    with pytest.raises(GraderError, match="holds no results"):
        list(Results(tmp_path).all())


def test_two_runs_do_not_write_to_one_folder(tmp_path: Path) -> None:
    """The second is told; after the first it can."""
    results = Results(tmp_path / "out")
    with (
        results.lock(),
        pytest.raises(GraderError, match="another run is writing"),
        Results(tmp_path / "out").lock(),
    ):
        pass
    with results.lock():
        pass


def test_what_a_killed_run_wrote_aside_is_swept(tmp_path: Path, report: Report) -> None:
    """The next run takes it away, and leaves the reports."""
    results = Results(tmp_path / "out")
    results.save(report)
    aside = results.path("ann", "01").with_name(".01.json.4711")
    aside.write_text("{")
    with results.lock():
        assert not aside.exists()
    assert results.load("ann", "01") == report


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """A folder that stands in the way of the write aside."""
    path = tmp_path / "a.json"
    write_whole(path, "old")
    with pytest.raises(GraderError, match="cannot be written"):
        write_whole(tmp_path / "missing" / "a.json", "new")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("write", [require_writable, lambda path: write_whole(path, "new")])
def test_what_is_no_file_is_not_written(tmp_path: Path, write: Callable[[Path], object]) -> None:
    """A folder, or what stands for a device: said before any work, and it is still there."""
    with pytest.raises(GraderError, match="it is a folder"):
        write(tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(GraderError, match="it is no regular file"):
        write(pipe)
    assert pipe.is_fifo()
    assert [each.name for each in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.parametrize("before", [None, "old"])
def test_a_link_stays_and_its_file_is_written(tmp_path: Path, before: str | None) -> None:
    """Aside, beside the file: the link may lie in another file system."""
    (tmp_path / "there").mkdir()
    link, file = tmp_path / "link.json", tmp_path / "there" / "file.json"
    link.symlink_to(file)
    if before is not None:
        file.write_text(before)
    with writing_whole(link) as writing:
        assert Path(writing.name).parent == file.parent
        writing.write(b"new")
    assert link.is_symlink()
    assert file.read_text() == "new"


def test_a_link_that_leads_to_itself_is_one_sentence(tmp_path: Path) -> None:
    """As whatever else cannot be looked at."""
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(GraderError, match="cannot be written: Too many levels"):
        write_whole(tmp_path / "round", "new")


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    """A file is in its place, or where one above it would be."""
    (tmp_path / "file").write_text("old")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(GraderError, match=r"cannot be made: .*Move what is in its way"):
            make_folder(path)
