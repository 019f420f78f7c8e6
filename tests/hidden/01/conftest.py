"""What the tests of exercise 01 share: the two functions, called as the contract says."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from typing import Any

import pytest

from grader.suite import (
    HANDLE,
    SLEEP,
    Consumer,
    Handle,
    Process,
    Raised,
    Returned,
    Run,
    Sleep,
    in_words,
    leave_to,
    properties,
)

properties.prepare()

READ = "polling.read_new_events"
POLL = "polling.poll"
NAMES = ("bookmark", "offset", "position", "progress", "read-so-far", "where")
"""What an offset file is called, with a number: nothing that tells which test it is."""


@pytest.fixture
def process(consumer: Consumer) -> Process:
    """A process that the calls of a test share, which saves forks.

    Tests that are about a new process, or that kill one, begin it with `start_poll`.
    """
    return consumer.process()


@pytest.fixture
def reader(process: Process) -> Callable[..., tuple[list[Any], int]]:
    """`reader(path, offset)` calls read_new_events and checks what it returns."""

    def read(*args: Any, **kwargs: Any) -> tuple[list[Any], int]:
        value = process.call(READ, *args, **kwargs)
        fits = isinstance(value, (tuple, list)) and len(value) == 2
        fits = fits and isinstance(value[0], list) and type(value[1]) is int
        assert fits, (
            f"read_new_events should return a list of events and an offset, it returned {value!r}"
        )
        return value[0], value[1]

    return read


@pytest.fixture
def start_poll(consumer: Consumer) -> Callable[..., Run]:
    """`start_poll(stream, ...)` begins a poll in a new process; one poll unless told otherwise.

    What is named by `left_out` has the value of the stub.
    """

    def start(stream: Any, left_out: Collection[str] = (), **kwargs: Any) -> Run:
        process = kwargs.pop("process", None) or consumer.process()
        options = {"max_polls": 1, "sleep": SLEEP} | kwargs
        options = {name: value for name, value in options.items() if name not in left_out}
        return process.start(POLL, stream.path, HANDLE, **options)

    return start


@pytest.fixture
def poll_once(process: Process) -> Callable[..., list[Any]]:
    """`poll_once(stream, ...)`: the events of one whole run that succeeds."""

    def run(stream: Any, **kwargs: Any) -> list[Any]:
        options = {"max_polls": 1, "sleep": SLEEP} | kwargs
        return process.start(POLL, stream.path, HANDLE, **options).drain()

    return run


@pytest.fixture
def poll_after_a_kill(start_poll) -> Callable[..., list[Any] | None]:
    """`poll_after_a_kill(stream, ...)`: the events of the next run; None where it raises.

    That it does is the business of 01.crash-loses-nothing.
    """

    def run(stream: Any, **kwargs: Any) -> list[Any] | None:
        run = start_poll(stream, **kwargs)
        seen = []
        while not isinstance(step := run.next(), Raised | Returned):
            if isinstance(step, Handle):
                seen.append(step.event)
            run.go_on()
        return None if isinstance(step, Raised) else seen

    return run


@pytest.fixture
def next_event() -> Callable[[Run], Any]:
    """`next_event(run)`: the event that is handled next; pauses before it are let pass."""

    def get(run: Run) -> Any:
        wanted = "call handle() for the next event"
        while isinstance(step := run.next(wanted), Sleep):
            run.go_on()
        if isinstance(step, Handle):
            return step.event
        raise run.otherwise(wanted, in_words(step, "it"))

    return get


@pytest.fixture
def looks_after_a_pause(
    start_poll: Callable[..., Run], process: Process, new_stream: Callable[[], Any], trips: Any
) -> Callable[[], bool]:
    """`looks_after_a_pause()`: whether what is appended in the last pause is handled after it.

    For a test that failed: if it is not, that is the business of 01.reads-appended.
    """

    def look() -> bool:
        stream, events = new_stream(), trips(2)
        stream.append(events[0])

        def grow(step: Any) -> None:
            if isinstance(step, Sleep):
                stream.append(events[1])

        run = start_poll(stream, max_polls=2, process=process)
        return bool(run.drain(grow) == events)

    return look


@pytest.fixture
def whose_pause(
    start_poll: Callable[..., Run], process: Process, new_stream: Callable[[], Any], trips: Any
) -> Callable[[], str]:
    """`whose_pause()`: the check whose business a sleep() is that came before the first event.

    For a test that failed: there is none with max_polls=1, unless it sleeps before it looks.
    """

    def look() -> str:
        stream = new_stream()
        stream.append(*trips(1))
        run = start_poll(stream, process=process)
        sleeps = isinstance(run.next(), Sleep)
        run.kill()
        return "01.poll-interval" if sleeps else "01.reads-appended"

    return look


@pytest.fixture
def reads_meanwhile(
    start_poll: Callable[..., Run], process: Process, new_stream: Callable[[], Any], trips: Any
) -> Callable[[], bool]:
    """`reads_meanwhile()`: whether what is appended while handle() is at work is handled in the same run.

    For a test that failed: if it is not, that is the business of 01.reads-appended.
    """

    def look() -> bool:
        stream, events = new_stream(), trips(2)
        stream.append(events[0])
        todo = events[1:]

        def grow(step: Any) -> None:
            if isinstance(step, Handle) and todo:
                stream.append(todo.pop())

        run = start_poll(stream, max_polls=3, poll_interval=0, process=process)
        return bool(run.drain(grow) == events)

    return look


@pytest.fixture
def new_name(rng: random.Random) -> Callable[[], str]:
    """`new_name()`: the name of one more offset file."""
    return lambda: f"{rng.choice(NAMES)}-{rng.randrange(16**6):06x}"


@pytest.fixture
def takes_no_file(process: Process, new_stream: Callable[[], Any]) -> Callable[[str], bool]:
    """`takes_no_file(path)`: whether a first run begins where there is no offset file.

    If it does not, that is the business of 01.fresh-start.
    """
    nothing = new_stream()
    nothing.write()

    def look(path: str) -> bool:
        run = process.start(POLL, nothing.path, HANDLE, max_polls=1, sleep=SLEEP, offset_path=path)
        while isinstance(step := run.next(), Sleep):
            run.go_on()
        if isinstance(step, Raised):
            leave_to(
                "01.fresh-start",
                f"there was no offset file, which means offset 0; {in_words(step, 'poll()')}",
            )
        return not isinstance(step, Raised)

    return look


@pytest.fixture
def offset_path(
    takes_no_file: Callable[[str], bool], state: Any, new_name: Callable[[], str]
) -> Callable[..., str]:
    """`offset_path()`: a path with which a first run can begin; `offset_path(name)`.

    Whether that takes an absent file or an empty one costs no other check.
    """

    def fresh(name: str = "") -> str:
        name = name or new_name()
        path = state.path(name)
        if not takes_no_file(path):
            state.write(name, b"")
        return path

    return fresh
