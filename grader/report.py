"""What a grading run says: outcomes, results, reports. Written and read as JSON."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    computed_field,
    model_validator,
)

from grader.course import Check

FORMAT_VERSION = 1


class Outcome(StrEnum):
    """The outcome of a check."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_GRADED = "not_graded"
    ERROR = "error"


class Kind(StrEnum):
    """The kind of a failure; the message beside it is for people."""

    UNMET = "unmet"
    """The code ran, and did not do what was promised."""
    NOT_FILLED_IN = "not_filled_in"
    """A function of the stub still raises NotImplementedError."""
    NOT_IMPORTABLE = "not_importable"
    """The file cannot be imported, or a function in it cannot be called as the exercise does."""
    HUNG = "hung"
    """It did nothing for as long as course.toml allows, or its time was over."""
    CRASHED = "crashed"
    """An exception left it where none was due, or its process ended."""
    ENDED_SANDBOX = "ended_sandbox"
    FLOODED = "flooded"
    """It sent more to a service than any exercise needs."""
    FORGED = "forged"
    """Its process sent what no worker sends."""


HOSTILE = frozenset({Kind.ENDED_SANDBOX, Kind.FLOODED, Kind.FORGED})
"""Kinds that honest code hardly ever provokes."""
WITHOUT_HINT = frozenset({Kind.NOT_FILLED_IN, Kind.NOT_IMPORTABLE})
"""Kinds for which a hint about the check's behaviour would not help."""
UNDECIDED = frozenset({Outcome.NOT_GRADED, Outcome.ERROR})
"""Outcomes that are no judgement of the student; a report with one of them is provisional."""


MESSAGE_LIMIT = 2000
"""Characters; what a submission returned may be megabytes."""


def presentable(text: str) -> str:
    """Return `text` as every format can hold it: no lone surrogates, and not without end."""
    if len(text) > MESSAGE_LIMIT:
        text = text[:MESSAGE_LIMIT] + "…"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CheckResult(_Model):
    """One row of a report. `seconds` is wall-clock time."""

    id: str
    title: str
    points: float
    score: float
    outcome: Outcome
    kind: Kind | None = None
    """Of a failure; None otherwise, and in reports that an older version wrote."""
    because: str = ""
    """The id of a failed check that this failure may only follow from."""
    message: str = ""
    hint: str = ""
    printed: str = ""
    """The end of what the student's code printed in the test that decided it."""
    seconds: float = 0.0
    log: tuple[dict[str, Any], ...] = ()
    """What happened in the last test of the check, in order; see Consumer's `log`."""
    by_hand: bool = False
    """True where a person set the score, whatever the outcome was."""
    again: bool = Field(default=False, exclude=True)
    """Whether it is undecided for a reason that passes, so that grading it again may decide it."""
    own_service: bool = Field(default=False, exclude=True)
    """Whether that reason is a service that serves this submission alone."""
    unfounded: frozenset[str] = Field(default=frozenset(), exclude=True)
    """Checks to which it had left a fault, and which found none: it takes them to run it again."""

    @property
    def earned(self) -> bool:
        """Tell whether it has its points: it passed, or a person gave all of them."""
        return self.score >= self.points if self.by_hand else self.outcome is Outcome.PASSED

    @classmethod
    def of(
        cls,
        check: Check,
        outcome: Outcome,
        message: str = "",
        *,
        kind: Kind = Kind.UNMET,
        because: str = "",
        printed: str = "",
        seconds: float = 0.0,
        log: tuple[dict[str, Any], ...] = (),
        again: bool = False,
        own_service: bool = False,
        unfounded: frozenset[str] = frozenset(),
    ) -> CheckResult:
        """Make a row for `check`; `kind` counts for a failure, and so does the hint."""
        failed = outcome is Outcome.FAILED
        return cls(
            id=check.id,
            title=check.title,
            points=check.points,
            score=check.points if outcome is Outcome.PASSED else 0.0,
            outcome=outcome,
            kind=kind if failed else None,
            because=because,
            message=presentable(message),
            hint=check.hint if failed and kind not in WITHOUT_HINT else "",
            printed=presentable(printed),
            seconds=round(seconds, 4),
            log=tuple(entry | {"what": presentable(str(entry.get("what", "")))} for entry in log),
            again=again,
            own_service=own_service,
            unfounded=unfounded,
        )


class Report(_Model):
    """One submission of one exercise, graded."""

    student: str
    exercise: str
    score: float
    max_score: float
    provisional: bool
    sandbox: str
    seed: int
    submission_hash: str
    suite_hash: str
    output: str = ""
    """The end of what the student's code printed, at most 4 KB."""
    submitted: AwareDatetime | None = None
    """When it was handed in, where that is known."""
    marked_late: bool = False
    """Whether the LMS marked it as late; without a time the penalty is the LMS's affair."""
    not_taken: str = ""
    """Why a file of the submission is missing, where intake knows it."""
    team: str = ""
    """The team that handed it in together, where intake knows it."""
    handed_in: bool = True
    """True where there was any file of the exercise, and in reports of older versions."""
    late: timedelta = timedelta()
    """How long after the due date and any extension; zero when in time or not known."""
    penalty: float = 0.0
    """Points that are taken off `score` for being late."""
    judge_cpu_seconds: float = 0.0
    """CPU time that the judge's own process used for it."""
    judge_memory_mb: float = 0.0
    """The most memory that it held for it at a time, beyond what it began with."""
    checks: tuple[CheckResult, ...]

    @model_validator(mode="before")
    @classmethod
    def _without_what_follows(cls, given: Any) -> Any:
        """Leave out what is written for other programs, and follows from the rest."""
        if isinstance(given, dict):
            return {name: value for name, value in given.items() if name != "final_score"}
        return given

    @computed_field  # type: ignore[prop-decorator]  # as pydantic says
    @property
    def final_score(self) -> float:
        """Return what goes into a gradebook: the score less the penalty, never below zero."""
        return max(0.0, self.score - self.penalty)

    @property
    def unsafe(self) -> bool:
        """Tell whether it ran without a sandbox, which is never a grade."""
        return self.sandbox == "process"

    @property
    def provisional_because(self) -> str:
        """Why it is no grade yet, or an empty string."""
        if not self.provisional:
            return ""
        return "it ran without a sandbox" if self.unsafe else "not every check could be decided"

    @property
    def first_failure(self) -> CheckResult | None:
        """The failure to mend first: the first one with a reason of its own, else the first.

        What is not filled in yet comes after what is, and does not work. None: nothing failed.
        """
        failed = [check for check in self.checks if check.outcome is Outcome.FAILED]
        own = [check for check in failed if not check.because]
        written = [check for check in own if check.kind is not Kind.NOT_FILLED_IN]
        return next(iter([*written, *own, *failed]), None)

    @property
    def full(self) -> bool:
        """Tell whether every check passed, or has its points by hand."""
        return all(check.earned for check in self.checks)


class ClassReport(_Model):
    """All reports of one run."""

    course: str
    format_version: int = FORMAT_VERSION
    provisional: bool
    reports: tuple[Report, ...]


def is_provisional(checks: tuple[CheckResult, ...], *, unsafe: bool = False) -> bool:
    """Tell whether a report of these checks may not be taken for a grade yet."""
    return unsafe or any(check.outcome in UNDECIDED for check in checks)
