"""Brightspace: whose number is a person's, and dates in the language of who downloads."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path, PurePosixPath

import pytest
from download import taken

from grader.course import Course
from grader.intake.brightspace import of_brightspace

WORK = "doubling.py"
NIGHT = datetime(2026, 11, 20, 22, 21)  # noqa: DTZ001 - as the LMS writes it


def _download(people: list[tuple[str, str, int]]) -> dict[str, bytes]:
    return {
        f"{number} - {name} - Nov {day}, 2026 1021 PM/{WORK}": f"{number} {day}".encode()
        for number, name, day in people
    }


@pytest.mark.parametrize("second", ["300", "{}"])
def test_numbers_that_everybody_has_are_nobodys(
    course: Course, tmp_path: Path, second: str
) -> None:
    """Those of the course and the dropbox come first on some systems: everybody is still taken."""
    names = ["Jane Doe", "Mary-Ann Smith", "Anna - Lena Ray"]
    people = [(f"36542-{second.format(n)}", name, 20) for n, name in enumerate(names)]
    found = taken(course, tmp_path, _download(people))
    assert found.kind == "brightspace"
    assert {who for who, _ in found.files} == set(names)
    assert (found.doubtful, found.namesakes) == ([], [])
    assert found.users == {}, "a course's number would lead a later intake to somebody else"


def test_a_course_s_number_never_leads_to_somebody_else(course: Course, tmp_path: Path) -> None:
    """One person alone shows nothing of what a number is; the folder is that of the name."""
    found = taken(course, tmp_path, _download([("36542-300", "Jane Doe", 20)]))
    assert (found.students, found.users) == ({"Jane Doe"}, {})


def test_numbers_that_differ_are_people_s(course: Course, tmp_path: Path) -> None:
    """They tell two of one name apart, and are kept for later."""
    found = taken(
        course,
        tmp_path,
        _download([("1-300", "Jane Doe", 20), ("2-300", "Jane Doe", 20), ("3-300", "Bo Ng", 20)]),
    )
    assert found.users == {
        "Jane Doe-1": "brightspace 1",
        "Jane Doe-2": "brightspace 2",
        "Bo Ng": "brightspace 3",
    }


DATES = [
    "Nov 20, 2026 1021 PM",
    "November 20, 2026 10:21 PM",
    "20 November, 2026 1021 PM",
    "20 nov. 2026 22 h 21",
    "20 de noviembre de 2026 22.21",
    "20. Nov 2026 2221",
    "20 nov. 2026 10:21 p. m.",
    "Nov 20, 2026 10:21 p.m.",
    "2026年11月20日 2221",
    "2026년 11월 20일 22:21",
]


@pytest.mark.parametrize("date", DATES)
def test_a_date_is_read_in_the_language_of_who_downloads(date: str) -> None:
    """Two attempts are ordered by it, and the name does not become part of a date."""
    one = of_brightspace(PurePosixPath(f"36542-300 - Anna - Lena Ray - {date}/{WORK}"))
    assert one is not None
    assert (one.student, one.path.name, one.submitted) == ("Anna - Lena Ray", WORK, NIGHT)


def test_attempts_without_a_readable_time_are_asked_about(course: Course, tmp_path: Path) -> None:
    """Neither is taken for the newest; who handed in once is taken all the same."""
    day = "{} marraskuuta 2026 22.21"
    files = {f"1-2 - Jane - {day.format(n)}/{WORK}": b"%d" % n for n in (20, 21)}
    files |= {f"3-2 - Bo - {day.format(20)}/{WORK}": b"x"}
    found = taken(course, tmp_path, files)
    assert {who for who, _ in found.files} == {"Bo"}
    assert len(found.doubtful) == 2
    assert ("Jane", "", "there are several attempts, and no time tells the newest") in [
        (who, "", why) for who, _, why in found.refused
    ]
