"""A version that its student chose on Submitty counts, and none of who withdrew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from download import taken, zipped

from grader.course import Course
from grader.intake.submitty import read_settings

WORK = "doubling.py"
TIMES = [
    {"version": 1, "time": "2026-11-20 10:11:12-0500 America/New_York", "type": "upload"},
    {"version": 2, "time": "2026-11-21 10:11:12-0500 America/New_York", "type": "upload"},
    {"version": 1, "time": "2026-11-25 10:11:12-0500 America/New_York", "type": "select"},
]


def versions_of(student: str, active: int, count: int = 2) -> dict[str, bytes]:
    """Return what a download of all versions holds of one student."""
    folder = f"submissions/{student}"
    settings = {"active_version": active, "history": TIMES}
    return {
        f"{folder}/user_assignment_settings.json": json.dumps(settings).encode(),
        **{f"{folder}/{n}/{WORK}": b"%d" % n for n in range(1, count + 1)},
        **{f"{folder}/{n}/.submit.timestamp": b"x" for n in range(1, count + 1)},
        **{f"results/{student}/{n}/grade.txt": b"x" for n in range(1, count + 1)},
    }


def test_the_version_that_was_chosen_counts_and_not_the_newest(
    course: Course, tmp_path: Path
) -> None:
    """The settings beside the versions say which one; a line tells of each other."""
    files = versions_of("baker", 1) | versions_of("adams", 2)
    found = taken(course, tmp_path, files)
    assert found.files == {("adams", "01"): {WORK: b"2"}, ("baker", "01"): {WORK: b"1"}}
    assert sorted(found.inactive) == [
        "adams 01, version 1: version 2 is the active one",
        "baker 01, version 2: version 1 is the active one",
    ]
    assert found.older == found.copies == found.unmatched == []


def test_it_came_when_it_was_uploaded_and_not_when_it_was_chosen(
    course: Course, tmp_path: Path
) -> None:
    """The history has an entry for both; the due date is that of the upload."""
    found = taken(course, tmp_path, versions_of("baker", 1) | versions_of("adams", 2))
    assert b"2026-11-20" in found.stamps["baker", "01"]
    assert b"2026-11-21" in found.stamps["adams", "01"]


@pytest.mark.parametrize("count", [1, 2])
def test_who_withdrew_has_a_row_without_work(course: Course, tmp_path: Path, count: int) -> None:
    """Nobody is graded for work taken back, and the row says why it is empty."""
    files = versions_of("baker", 0, count) | versions_of("adams", 2)
    found = taken(course, tmp_path, files)
    assert {*found.files} == {("adams", "01")}
    assert found.students == {"adams", "baker"}
    assert ("baker", "01", "the submission on Submitty was withdrawn") in found.refused
    assert found.unmatched == []


def test_of_an_active_version_without_work_nothing_is_taken(course: Course, tmp_path: Path) -> None:
    """An older version is no substitute: its student did not choose it."""
    files = versions_of("baker", 2) | versions_of("adams", 2)
    files["submissions/baker/2/notes.txt"] = files.pop(f"submissions/baker/2/{WORK}")
    found = taken(course, tmp_path, files)
    assert {*found.files} == {("adams", "01")}
    why = "the submission on Submitty has no such file in its active version"
    assert ("baker", "01", why) in found.refused
    assert [line for line in found.unmatched if line.startswith("baker: ")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"active_version": "1"}',
        b'{"active_version": true}',
        b'{"active_version": -1}',
        b'{"active_version": null}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_settings_that_do_not_say_it_leave_the_newest(data: bytes) -> None:
    """Settings of another shape are as good as none."""
    assert read_settings(data) is None


@pytest.mark.parametrize(
    "history",
    [None, 1, [1], [{"version": 1}], [{"version": 1, "time": "2026-02-30 10:00:00+0000"}]],
)
def test_a_history_of_another_shape_tells_no_time(history: object) -> None:
    """The version counts all the same."""
    settings = json.dumps({"active_version": 1, "history": history}).encode()
    assert read_settings(settings) == (1, None)


def test_the_versions_that_were_downloaded_one_by_one_are_attempts(
    course: Course, tmp_path: Path
) -> None:
    """Submitty calls such a download `hw01_jdoe_v2.zip`."""
    one = {f"submissions/{WORK}": b"%d"}
    files = {
        f"hw01_{name}.zip": zipped({path: data % n for path, data in one.items()})
        for name, n in (("adams_v2", 2), ("baker_v1", 1), ("baker_v10", 10))
    }
    found = taken(course, tmp_path, files)
    assert found.files == {("adams", "01"): {WORK: b"2"}, ("baker", "01"): {WORK: b"10"}}


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["jane", "jane_v2", "john"], {"jane": b"jane_v2", "john": b"john"}),
        (["jane_v1", "jane_v2", "john"], {"jane": b"jane_v2", "john": b"john"}),
        (["jane_v2", "john"], {"jane_v2": b"jane_v2", "john": b"john"}),
        (["group_v1", "group_v2"], {"group_v1": b"group_v1", "group_v2": b"group_v2"}),
    ],
)
def test_a_version_at_a_name_s_end_is_one_where_others_tell_it(
    course: Course, tmp_path: Path, folders: list[str], expected: dict[str, bytes]
) -> None:
    """Nobody knows of `jane_v2` alone whether that is a name."""
    found = taken(course, tmp_path, {f"{name}/{WORK}": name.encode() for name in folders})
    assert {who: files[WORK] for (who, _), files in found.files.items()} == expected
