"""The headings of a lesson, and the links that hints make to them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.course import Course, Exercise


def headings(text: str) -> dict[str, str]:
    """Return the headings of a Markdown text, by the anchors that GitHub and MkDocs give them."""
    found = {}
    in_code = False
    for line in text.splitlines():
        if line.startswith("```"):
            in_code = not in_code
        elif not in_code and (match := re.match(r"#{1,6} +(.*)", line)):
            found[anchor(match[1])] = match[1]
    return found


def anchor(heading: str) -> str:
    """Return the end of a link to a heading: `bytes-not-characters` for "Bytes, not characters"."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def faults(course: Course, exercise: Exercise) -> Iterator[str]:
    """Hints that lead to a heading which is not there; one sentence each."""
    path = course.lesson(exercise)
    known = headings(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for check in exercise.checks:
        if check.lesson is not None and check.lesson not in known:
            place = path.relative_to(course.root).as_posix()
            yield f"{check.id}: its hint leads to {place}#{check.lesson}, which is no heading there"
