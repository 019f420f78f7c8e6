"""What suites put into a medium: events of every kind, and the exceptions of a handle that fails."""

from __future__ import annotations

import asyncio
import json
import pkgutil
import random
from collections.abc import Callable

import pytest

from grader.suite import content, exceptions
from grader.worker import failing


@pytest.mark.parametrize("make", [content.odd_events, content.unusual_text])
def test_the_kinds_do_not_depend_on_the_seed(make: Callable[..., list[content.Event]]) -> None:
    """Seeds draw the details and the order; as many events, with as many fields, are always there."""
    shapes = [sorted(map(len, make(random.Random(seed)))) for seed in range(3)]
    fields_drawn = 1  # one event has a random number of fields
    assert all(shape[:-fields_drawn] == shapes[0][:-fields_drawn] for shape in shapes)
    assert make(random.Random(1)) == make(random.Random(1))
    assert make(random.Random(1)) != make(random.Random(2))


@pytest.mark.parametrize("make", [content.odd_events, content.unusual_text])
def test_every_event_is_one_line(make: Callable[..., list[content.Event]]) -> None:
    """Its line has one newline, at its end, and gives the event back."""
    for event in make(random.Random(1)):
        line = content.to_line(event)
        assert line.count(b"\n") == 1
        assert line.endswith(b"\n")
        assert json.loads(line) == event


def test_odd_events_are_ascii_and_hold_three_that_are_equal() -> None:
    """A mistake about bytes costs the check of bytes; one about equal events shows.

    Two follow each other, whatever the seed: some compare with the event before, some with all.
    """
    events = content.odd_events(random.Random(1))
    assert all(content.to_line(event).isascii() for event in events)
    assert len({json.dumps(event, sort_keys=True) for event in events}) == len(events) - 2
    for seed in range(20):
        events = content.odd_events(random.Random(seed))
        at = [number for number, event in enumerate(events) if events.count(event) > 1]
        assert [at[1] - at[0], at[2] - at[1] > 2] == [1, True]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [("", "none"), ("a", "a"), ("abcd", "a, b, c and d"), ("abcde", "a, b, c and 2 others")],
)
def test_a_long_list_of_words_says_how_many_more(words: str, sentence: str) -> None:
    """A student reads the first of twenty exceptions, not all."""
    assert content.listed(list(words)) == sentence


@pytest.mark.parametrize("line", content.BAD)
def test_a_bad_line_is_no_json_object(line: bytes) -> None:
    """Neither parsed as UTF-8, nor an object when it parses."""
    try:
        value = json.loads(line.decode())
    except ValueError:
        return
    assert not isinstance(value, dict)


@pytest.mark.parametrize(
    ("data", "value"),
    [(b"[1]", [1]), ("{}", {}), (b"{broken", b"{broken"), ("\u00e9", "\u00e9"), (b"\xff", b"\xff")],
)
def test_what_is_no_json_is_its_own_value(data: bytes | str, value: object) -> None:
    """So that a sentence can show it."""
    assert content.value_of(data) == value
    assert content.value_of(None) is None
    deep = b"[" * 100_000
    assert content.value_of(deep) == deep


def test_an_event_is_on_its_line_and_on_no_other() -> None:
    """As a message too; a bad line and a blank one hold none."""
    for event in content.odd_events(random.Random(1)):
        assert content.event_of(content.to_line(event)) == event
        assert content.to_message(event) + b"\n" == content.to_line(event)
    assert [content.event_of(line) for line in (*content.BAD, b"", b" \r\n")] == [None] * (
        len(content.BAD) + 2
    )


def test_many_events_are_a_number_and_strangers_are_counted() -> None:
    """Up to eight by their places."""
    everything = [{"event_id": number} for number in range(10)]
    assert content.these(everything[:2], everything, "were not sent") == "events 1 and 2"
    assert content.these(everything, everything, "were not sent") == "10 events"
    assert content.these([7], everything, "were not sent") == "1 event, of which 1 were not sent"


def test_a_number_has_its_noun() -> None:
    """One thing, and any other number of them."""
    assert content.count_of(1, "event") == "1 event"
    assert content.count_of([], "event") == "0 events"


def test_events_are_named_by_their_place() -> None:
    """Equal ones by places of their own; what was never sent is unknown."""
    everything = [{"a": 1}, {"b": 2}, {"a": 1}]
    assert content.numbers(everything, everything) == "1, 2, 3"
    assert content.numbers([{"a": 1}] * 3, everything) == "1, 3, 1"
    assert content.numbers([{"c": 3}, 7], everything) == "unknown, unknown"
    assert content.numbers([], everything) == "none"


def test_events_are_the_object_of_a_sentence() -> None:
    """As many as there are, and none."""
    everything = [{"a": 1}, {"b": 2}, {"c": 3}]
    assert content.named(everything, everything) == "events 1, 2 and 3"
    assert content.named(everything[1:], everything) == "events 2 and 3"
    assert content.named([{"b": 2}], everything) == "event 2"
    assert content.named([], everything) == "no events"


def test_the_same_events_are_as_many_in_whatever_order() -> None:
    """Keys have no order either; what is no JSON is compared by what it looks like."""
    one, two = {"a": 1, "b": [2]}, {"c": {3}}
    assert content.same([one, two], [two, {"b": [2], "a": 1}])
    assert not content.same([one, one], [one])
    assert not content.same([{"a": 1}], [{"a": "1"}])


ALL = (
    *exceptions.ORDINARY,
    *exceptions.REDIS,
    *exceptions.PIKA,
    *exceptions.BOTOCORE,
    *exceptions.KAFKA,
    *exceptions.STOPPING,
)


@pytest.mark.parametrize("name", ALL)
def test_every_exception_of_the_lists_can_be_raised(name: str) -> None:
    """Of the type that it is named by, and it can be shown."""
    made = failing.make(name)
    assert type(made).__name__ == name.rpartition(".")[2]
    assert isinstance(made, Exception) == (name not in exceptions.STOPPING)
    assert "." not in name or type(made) is pkgutil.resolve_name(name)


def test_python_itself_may_turn_a_stop_iteration_into_another_error() -> None:
    """PEP 479: what leaves a coroutine or a generator is a RuntimeError of it."""
    stopped = StopIteration("x")

    async def fail() -> None:
        raise stopped

    with pytest.raises(RuntimeError) as caught:
        asyncio.run(fail())
    assert failing.is_same(caught.value, stopped)
    assert not failing.is_same(RuntimeError("x"), stopped)
    assert not failing.is_same(StopIteration("x"), stopped)
