"""The one family of errors that a user may see."""

import difflib
from collections.abc import Collection

INSTALL_INSTRUCTOR = "Run `make setup-instructor`, or `pip install 'stream-course[instructor]'`."
"""The help where a package is missing that only instructors need."""


class GraderError(Exception):
    """Something could not be done, and it is not a bug of the grader.

    `message` says what is wrong with what; `help` says the next step.
    """

    def __init__(self, message: str, help: str = "") -> None:  # noqa: A002 - the field's word
        super().__init__(message)
        self.message = message
        self.help = help

    def __str__(self) -> str:
        return f"{self.message}. {self.help}" if self.help else self.message


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return the question after an unknown name, of those that are near it; "" without any."""
    folded = {each.casefold(): each for each in known}
    near = [folded[each] for each in difflib.get_close_matches(name.casefold(), folded)]
    return f"Did you mean {' or '.join(near)}?" if near else ""


class CourseError(GraderError):
    """course.toml, or a file that it names, is not as it should be."""


class SandboxError(GraderError):
    """A sandbox could not be started, or its trusted part broke: never the student's fault."""


class UnexplainedSandboxError(SandboxError):
    """One for which `grader doctor` looks for the reason."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "Run `grader doctor`; nothing is graded until its walls hold.")


class ServiceError(GraderError):
    """A broker or server that a suite needs is missing or died."""
