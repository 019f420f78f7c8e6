"""The checks that an exercise's public tests are written for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grader.errors import GraderError

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


def require_shown(course: Course, exercise: Exercise, check: Check) -> None:
    """Raise where nothing in this copy of the course makes a check.

    Raises:
        GraderError: there is no hidden suite, and no public test shows the check.
    """
    hidden = course.hidden_suite(exercise).is_dir()
    if not hidden and check not in public_checks(course, exercise):
        raise GraderError(
            f"no public test shows {check.id}, and the hidden suite is not in this copy",
            f"The lesson says what is promised; for a hint: grader hint {exercise.id} {check.name}",
        )
