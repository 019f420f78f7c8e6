"""The checks that an exercise's public tests are written for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.course import Check, Course, Exercise


def public_checks(course: Course, exercise: Exercise) -> list[Check]:
    """Return the checks of an exercise that public tests are written for."""
    marked = marked_checks(course, exercise)
    return [check for check in exercise.checks if check.id in marked]


def marked_checks(course: Course, exercise: Exercise) -> frozenset[str]:
    """Return the ids in the check markers of an exercise's public tests."""
    folder = course.folder(exercise)
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("test_*.py"))]
    return frozenset(re.findall(r'@pytest\.mark\.check\("([^"]+)"[,)]', "\n".join(texts)))
