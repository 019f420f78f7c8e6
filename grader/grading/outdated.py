"""Tells whether results are of today's suites and submissions, which they do not say themselves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.course import Course
from grader.files import write_whole
from grader.gradebook.results import Results, folder_name
from grader.grading.one import suite_hashes
from grader.spelling import folded
from grader.submission import Submission

_SHOWN = 5
"""Names that a line lists."""
_MARK = "unfinished.json"
"""In a folder of results while a run writes to it, and after one that did not come to its end."""
_AGAIN = "run the same `grader grade --out` again"
_Key = tuple[str, str]


@contextmanager
def broken_off(results: Results, keys: Iterable[_Key], *, whole: bool) -> Iterator[None]:
    """Mark the folder while those are graded, so that a run that ends in the middle is known.

    Args:
        results: the folder.
        keys: student and exercise of each that the run is about.
        whole: whether that is the class; else what an earlier run left is still left.
    """
    mark, own = results.folder / _MARK, set(keys)
    left = set() if whole else _left(results) - own
    write_whole(mark, json.dumps(sorted(left | own)))
    yield
    if left:
        write_whole(mark, json.dumps(sorted(left)))
    else:
        mark.unlink(missing_ok=True)


def _left(results: Results) -> set[_Key]:
    """Return what a run that was broken off was about, as far as it was not graded since."""
    with suppress(OSError, ValueError, TypeError):
        found = json.loads((results.folder / _MARK).read_text(encoding="utf-8"))
        return {(str(student), str(exercise)) for student, exercise in found}
    return set()


def not_in_class(results: Results, students: Collection[str], directory: Path) -> list[str]:
    """Return a line where results are kept of others than the `students` in `directory`."""
    own = {folder_name(each) for each in students}
    own |= {folder_name(each, taken={folded(each)}) for each in students}
    others = [each for each in results.students() if each not in own]
    if not others:
        return []
    reports, shown = results.folder / "reports", _listed(others)
    return [f"{reports} also holds {shown}, not in {directory}: remove there who is to be left out"]


def out_of_date(
    results: Results, course: Course, handed_in: Sequence[Submission] | None = None
) -> list[str]:
    """Return a line for each way in which results are not those of now.

    Args:
        results: the folder.
        course: its suites are those of now.
        handed_in: the submissions as they are now, where somebody looked.

    Raises:
        GraderError: there are no results, or one cannot be read.
    """
    suites = suite_hashes(course)
    graded: dict[_Key, str] = {}
    there = None if handed_in is None else {each.student for each in handed_in}
    old, count = Counter[str](), Counter[str]()
    for report in results.all():
        graded[report.student, report.exercise] = report.submission_hash
        count[report.exercise] += 1
        stays = there is None or report.student in there
        ours = suites.get(report.exercise, report.suite_hash)
        old[report.exercise] += stays and ours != report.suite_hash
    lines = [
        f"{old[each]} of {count[each]} results of {each} are of another suite or grader than "
        f"today's: {_AGAIN}"
        for each in sorted(+old)
    ]
    if _left(results):
        lines.append(f"a `grader grade` into {results.folder} did not come to its end: {_AGAIN}")
    if handed_in is not None:
        now = {(each.student, each.exercise.id): each.hash for each in handed_in}
        lines += _differences(graded, now)
        if gone := sorted({student for student, _ in graded} - {student for student, _ in now}):
            where = results.folder / "reports"
            lines.append(f"no submission any more: {_listed(gone)}; remove in {where} who is to go")
    return lines


def _differences(graded: dict[_Key, str], now: dict[_Key, str]) -> Iterator[str]:
    changed = sorted(key for key in graded if now.get(key, graded[key]) != graded[key])
    new = sorted(now.keys() - graded.keys())
    if changed:
        yield f"changed since it was graded: {_listed(map(' '.join, changed))}; {_AGAIN}"
    if new:
        yield f"not graded: {_listed(map(' '.join, new))}; {_AGAIN}"


def _listed(names: Iterable[str]) -> str:
    some = list(names)
    more = f" and {len(some) - _SHOWN} more" if len(some) > _SHOWN else ""
    return ", ".join(some[:_SHOWN]) + more
