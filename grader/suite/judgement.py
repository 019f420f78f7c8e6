"""What became of a test: the student's failure, an error of ours, or no verdict."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from grader.errors import ServiceError
from grader.report import Kind, Outcome
from grader.sandbox.line import SandboxDied
from grader.suite.outcomes import Failed, NotGraded, OutOfTime, OverBudget
from grader.suite.session import Session


class Judgement(NamedTuple):
    """An outcome and its sentence."""

    outcome: Outcome
    message: str
    kind: Kind = Kind.UNMET
    broke: bool = False
    """Whether a service was found broken meanwhile."""


def judge(item: pytest.Item, call: pytest.CallInfo[None], session: Session) -> Judgement:
    """Judge a phase of a test by what came out of it, and by what else has happened."""
    if call.excinfo is None:
        return Judgement(Outcome.PASSED, "")
    error = call.excinfo.value
    match error:
        case pytest.skip.Exception():
            return Judgement(Outcome.SKIPPED, str(error.msg))
        case NotGraded():
            return Judgement(Outcome.NOT_GRADED, str(error))
        case Failed():
            return blame(session, error, error.kind)
        case AssertionError() if not _of_suite(item, call):
            pass  # a library's own, in our process
        case AssertionError() if str(error):
            return blame(session, error, Kind.UNMET)
        case AssertionError():
            return Judgement(Outcome.ERROR, "the suite failed without a sentence")
        case SandboxDied():
            said = f"the program ended the sandbox that it ran in ({error})"
            return blame(session, Failed(said), Kind.ENDED_SANDBOX)
        case ServiceError():
            return Judgement(Outcome.NOT_GRADED, str(error))
    return Judgement(Outcome.ERROR, f"{type(error).__name__}: {error}")


def cut_off(why: str) -> Judgement:
    """Return the failure of a program that printed or sent more than it may."""
    return Judgement(Outcome.FAILED, f"the program {why}, and was cut off", Kind.FLOODED)


def blame(session: Session, error: AssertionError, kind: Kind) -> Judgement:
    """Return the student's failure, unless something else was to blame for it."""
    message = str(error)
    if isinstance(error, OverBudget):
        return Judgement(Outcome.FAILED, message, kind)  # whatever else did not work meanwhile
    if not session.whole:
        said = f"somebody removed the sandbox's files; the test said: {message}"
        return Judgement(Outcome.ERROR, said, kind)
    had_said = f"(the test had said: {message})"
    try:
        session.check_services()
    except ServiceError as broken:
        return Judgement(Outcome.ERROR, f"{broken} {had_said}", kind, broke=True)
    if isinstance(error, OutOfTime) and (lost := session.lost_in_all()):
        return Judgement(Outcome.ERROR, f"{lost} {had_said}", kind)
    if disturbance := session.disturbance():
        session.forget()
        return Judgement(Outcome.ERROR, f"{disturbance} {had_said}", kind)
    if excess := session.exceeded():
        return cut_off(excess)
    if session.over_memory:
        limit, kind = session.memory_mb, Kind.CRASHED
        message = f"the program used more than {limit} MB of memory and was stopped; {message}"
    if refusal := session.refusal():
        message = f"the program {refusal}; {message}"
    return Judgement(Outcome.FAILED, message, kind)


def _of_suite(item: pytest.Item, call: pytest.CallInfo[None]) -> bool:
    """Tell whether the innermost frame of the error lies in the suite, or in what suites share."""
    assert call.excinfo is not None
    return item.path.parents[1] in Path(str(call.excinfo.traceback[-1].path)).parents
