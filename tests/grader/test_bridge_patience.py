"""A test of 07 that a busy machine may fail is made again with more time, and then counts."""

from __future__ import annotations

import inspect
import random
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock, PropertyMock

import pytest

from grader.report import Kind
from grader.suite import Failed
from grader.suite.outcomes import take_left

HERE = runpy.run_path(str(Path(__file__).parents[1] / "hidden" / "07" / "bridge_patience.py"))
with_patience, Patience = HERE["with_patience"], HERE["Patience"]
kept_in_hand = HERE["kept_in_hand"]


class Tried:
    """What a test under `with_patience` got, each time; it fails as often as there are failures."""

    def __init__(self, *failures: AssertionError) -> None:
        self._failures = list(failures)
        self.draws: list[float] = []
        self.bridges: list[str] = []
        self.factors: list[float] = []
        self.sqs = Mock()
        self.log = Mock(entries=[])

    def run(self) -> None:
        """Run it as pytest would, with the fixtures that it asks for."""

        @with_patience
        def test_moves(bridge: str, rng: random.Random, patience: Any) -> None:
            self.bridges.append(bridge)
            self.draws.append(rng.random())
            self.factors.append(patience.factor)
            if self._failures:
                raise self._failures.pop(0)

        given: dict[str, Any] = {
            "bridge": "first",
            "new_bridge": lambda: "second",
            "consumer": SimpleNamespace(log=self.log),
            "rng": random.Random(1),
            "patience": Patience(self.sqs, 10),
        }
        assert set(inspect.signature(test_moves).parameters) == set(given)
        test_moves(**given)


def test_who_passes_is_not_tried_again() -> None:
    """The short wait was long enough: nothing of it is made twice."""
    tried = Tried()
    tried.run()
    assert tried.factors == [1]
    tried.log.begin_again.assert_not_called()


def test_the_second_look_has_more_time_and_the_same_draws() -> None:
    """A bridge of its own, SQS without what the first look made it refuse, a log that begins there."""
    tried = Tried(AssertionError("absent"))
    tried.run()
    assert tried.factors == [1, 12]
    assert tried.bridges == ["first", "second"]
    assert tried.draws[0] == tried.draws[1]
    tried.sqs.fail_batch_entries.assert_called_once_with(None)
    tried.sqs.clear_requests.assert_called_once_with()
    tried.log.begin_again.assert_called_once_with()


def test_the_second_look_counts() -> None:
    """Who fails with time enough is told what was seen then."""
    tried = Tried(AssertionError("seen first"), Failed("seen with more time"))
    with pytest.raises(Failed, match="seen with more time"):
        tried.run()


KEPT = [
    {"at": 0.1, "who": "rabbitmq", "what": "basic.deliver 1"},
    {"at": 0.4, "who": "process 1", "what": "forward() returned 0"},
]


def test_who_keeps_what_it_has_gets_no_more_time() -> None:
    """It shows twice, with the short wait, that it keeps messages that had come long before it ended."""
    tried = Tried(AssertionError("first"), AssertionError("second"))
    tried.log.entries = KEPT
    with pytest.raises(AssertionError, match="second"):
        tried.run()
    assert tried.factors == [1, 1]
    assert tried.draws[0] == tried.draws[1]


def test_what_was_kept_once_may_be_a_busy_machine() -> None:
    """A second look in which nothing is kept that fails as well is followed by one with more time."""
    tried = Tried(AssertionError("first"), AssertionError("second"))
    tried.log = Mock()
    type(tried.log).entries = PropertyMock(side_effect=[KEPT, []])
    tried.run()
    assert tried.factors == [1, 1, 12]


@pytest.mark.parametrize(
    "after",
    [
        {"at": 0.2, "who": "sqs", "what": "SendMessageBatch: 1"},
        {"at": 0.2, "who": "rabbitmq", "what": "basic.reject 1"},
        {"at": 0.38, "who": "rabbitmq", "what": "basic.deliver 2"},
    ],
)
def test_what_is_sent_or_has_just_come_is_not_kept(after: dict[str, Any]) -> None:
    """It is in SQS, or a dead letter, or came when the program was about to end."""
    assert kept_in_hand(KEPT)
    assert not kept_in_hand([KEPT[0], after, KEPT[1]])


def test_what_is_left_to_another_check_is_seen_twice() -> None:
    """Once may be a busy machine; then the other check has to find it."""
    take_left()
    error = HERE["LeftError"]("07.forwards", "it sent nothing")
    Tried(error).run()
    assert not take_left()
    Tried(error, error).run()
    assert take_left() == (("07.forwards", "it sent nothing"),)


@pytest.mark.parametrize("seconds", [3, 10])
def test_no_wait_is_as_long_as_a_step_may_take(seconds: int) -> None:
    """Also where `grader validate` gives a step less time: a longer wait would be told as a hang."""
    patience = Patience(Mock(), seconds)
    patience.begin_again(longer=True)
    assert 0.25 * patience.factor < seconds / 2
    assert patience.longest < seconds / 2


@pytest.mark.parametrize("kind", [Kind.NOT_FILLED_IN, Kind.HUNG, Kind.CRASHED])
def test_what_no_wait_mends_is_told_at_once(kind: Kind) -> None:
    """A stub, a hang and a crash are the same with more time."""
    tried = Tried(Failed("as it is", kind))
    with pytest.raises(Failed, match="as it is"):
        tried.run()
    assert tried.factors == [1]


def test_a_test_without_a_bridge_of_its_own_makes_them_itself() -> None:
    """It gets the fixture that makes bridges, and no other than it asks for."""
    seen: list[object] = []

    @with_patience
    def test_moves(new_bridge: Callable[[], str]) -> None:
        seen.append(new_bridge())
        assert len(seen) > 1

    test_moves(
        new_bridge=lambda: "made",
        consumer=SimpleNamespace(log=Mock(entries=[])),
        rng=random.Random(1),
        patience=Patience(Mock(), 10),
    )
    assert seen == ["made", "made"]
