"""The end of a submission's time in the middle of a test."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import pytest

from grader.suite import deadline
from grader.suite.deadline import until
from grader.suite.outcomes import Failed, OutOfTime, OverBudget


def too_long() -> str:
    """The sentence of the end."""
    return "it took too long"


def forever() -> None:
    """Waits for something that does not come."""
    threading.Event().wait(60)


def at(deadline: float) -> Callable[[], float]:
    """One that does not move."""
    return lambda: deadline


def test_the_end_comes_in_the_middle() -> None:
    """Whatever the body waits for; afterwards no alarm is left, nor a handler."""
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(Failed, match="too long"), until(at(time.monotonic() + 0.05), too_long):
        forever()
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_it_comes_again_to_who_catches_it() -> None:
    """A suite that goes on after any failure ends all the same."""
    caught = []
    with pytest.raises(Failed), until(at(time.monotonic() + 0.01), too_long):
        try:
            forever()
        except Failed as failure:
            caught.append(failure)
        forever()
    assert caught


def test_a_library_may_make_another_exception_of_it() -> None:
    """It is the end all the same; an exception that came before it is that exception."""

    def read() -> None:
        try:
            forever()
        except Exception as error:
            raise ConnectionError(f"connection lost: {error!r}") from error

    with pytest.raises(OutOfTime, match="too long"), until(at(time.monotonic() + 0.01), too_long):
        read()
    with pytest.raises(ConnectionError), until(at(time.monotonic() + 60), too_long):
        raise ConnectionError


def test_a_deadline_that_moved_is_kept() -> None:
    """It seemed to have come, and lay later by then: the body had that time too."""
    begin = time.monotonic()
    moves = iter([begin + 0.01, begin + 0.3, begin + 0.3, begin + 0.3])
    with pytest.raises(Failed), until(lambda: next(moves), too_long):
        forever()
    assert time.monotonic() - begin >= 0.3


def test_a_budget_ends_the_body_before_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked again and again, and the sentence is its own."""
    monkeypatch.setattr(deadline, "_AGAIN", 0.01)
    answers = iter(["", "", "it took too much"])
    begin = time.monotonic()
    with (
        pytest.raises(OverBudget, match="too much"),
        until(at(begin + 60), too_long, lambda: next(answers, "")),
    ):
        forever()
    assert time.monotonic() - begin < 30


def test_a_body_in_time_is_left_alone() -> None:
    """Nothing comes later."""
    with until(at(time.monotonic() + 60), too_long):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_another_thread_has_no_end() -> None:
    """Only the main thread can be interrupted: the body runs."""
    ran: list[str] = []

    def work(note: Callable[[str], None]) -> None:
        with until(at(time.monotonic() - 1), too_long):
            note("ran")

    thread = threading.Thread(target=work, args=(ran.append,))
    thread.start()
    thread.join()
    assert ran == ["ran"]
