"""What travels: a submission on its way to a worker, and what a worker says of it. JSON alone.

Suites never travel: both sides have them, and compare hashes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from grader.course import Course
from grader.errors import CourseError, GraderError
from grader.report import Report
from grader.submission import Submission

MAX_BYTES = 8 * 1024 * 1024
"""Of one message. RabbitMQ 4 takes 16 MiB; a report of a printing submission has 100 KB."""
TASK = "grader.grade"
"""The task's name in Celery."""

RunId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
SubmissionKey = tuple[str, str, str, str]
"""A submission and what grades it: student, exercise, the submission's hash, the suite's."""
_Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Text = Annotated[str, StringConstraints(max_length=4096)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Work(_Message):
    """One submission to grade, and how."""

    run: RunId
    """The class whose results these are."""
    course_hash: _Hash
    """The suites and limits of all exercises; see :func:`course_hash`."""
    suite_hash: _Hash
    """Those of this exercise."""
    submission_hash: _Hash
    student: _Text
    exercise: _Text
    files: dict[_Text, str]
    """Names and contents, in base64."""
    problems: dict[_Text, _Text]
    submitted: AwareDatetime | None = None
    marked_late: bool = False
    not_taken: _Text = ""
    seed: int = Field(ge=0)
    repeat: int = Field(ge=0, le=1000)
    last_try: bool = False
    """Whether its worker may not end once more."""

    @classmethod
    def of(
        cls,
        submission: Submission,
        *,
        run: str,
        course_hash: str,
        suite_hash: str,
        seed: int,
        repeat: int,
        last_try: bool = False,
    ) -> Self:
        """Make the message for `submission`."""
        return cls(
            run=run,
            course_hash=course_hash,
            suite_hash=suite_hash,
            submission_hash=submission.hash,
            student=submission.student,
            exercise=submission.exercise.id,
            files={n: base64.b64encode(data).decode() for n, data in submission.files.items()},
            problems=dict(submission.problems),
            submitted=submission.submitted,
            marked_late=submission.marked_late,
            not_taken=submission.not_taken,
            seed=seed,
            repeat=repeat,
            last_try=last_try,
        )

    def submission(self, course: Course) -> Submission:
        """Return the submission, read with the care that a folder is read with.

        Raises:
            GraderError: it has a file that the exercise does not name, or one that is too large, or
                is not the one with the hash that the message names.
        """
        try:
            exercise = course.exercise(self.exercise)
            files = {n: base64.b64decode(text, validate=True) for n, text in self.files.items()}
        except (CourseError, binascii.Error) as error:
            raise GraderError(f"the message is no submission: {error}") from None
        for name, data in files.items():
            if name not in exercise.all_files:
                raise GraderError(f"the message holds {name!r}, which is no file of {exercise.id}")
            if len(data) > course.limits.file_kb * 1024:
                raise GraderError(f"{name} in the message is over {course.limits.file_kb} KB")
        found = Submission(
            self.student,
            exercise,
            files,
            self.problems,
            self.submitted,
            self.marked_late,
            self.not_taken,
        )
        if found.hash != self.submission_hash:
            raise GraderError("the message holds another submission than its hash says")
        return found

    @property
    def submission_key(self) -> SubmissionKey:
        """The submission that it is about."""
        return self.student, self.exercise, self.submission_hash, self.suite_hash

    @property
    def key(self) -> str:
        """The task's id: the same for the same work of the same run."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:32]


class Done(_Message):
    """A worker's result for a submission: its report, or why there is none."""

    student: _Text
    exercise: _Text
    submission_hash: _Hash
    suite_hash: _Hash
    seed: int
    worker: _Text
    report: Report | None = None
    problem: _Text = ""
    """Why there is no report: an error of ours."""

    @property
    def submission_key(self) -> SubmissionKey:
        """The submission that it is about."""
        return self.student, self.exercise, self.submission_hash, self.suite_hash


def course_hash(suites: dict[str, str]) -> str:
    """Return one hash for the suites and limits of all exercises.

    Args:
        suites: the hash of each exercise, by its id.
    """
    return hashlib.sha256(repr(sorted(suites.items())).encode()).hexdigest()
