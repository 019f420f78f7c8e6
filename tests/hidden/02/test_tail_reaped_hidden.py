"""Hidden suite of exercise 02: what tail_consumer leaves behind. The tail processes are real."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from grader.suite import HANDLE, Failed, Handle, Kept, Method, New, exceptions, leave_to, settled

TAIL = "tail_pipe.tail_consumer"
TIMES = 3
"""How many more calls return. Fewer files are left to a garbage collector."""


def python_helper(pid: int, parents: set[int]) -> bool:
    """Tell whether it is a process that multiprocessing keeps until the end of the program.

    One that only has the name of such a process, and follows the file, is none: helpers have no
    children, and read nothing but pipes.
    """
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        executable = Path(f"/proc/{pid}/exe").readlink().name
        names = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    named = any(
        word.startswith(b"from multiprocessing." + module)
        for word in words
        for module in (b"resource_tracker import", b"forkserver import")
    )
    follows = any("/stream/" in name or "inotify" in name for name in names)
    return named and executable.startswith("python") and not follows and pid not in parents


def left(consumer) -> str:
    """The processes that are left, in words; empty when there is none."""

    def matches(info) -> bool:
        return not python_helper(info.pid, {each.parent for each in consumer.processes()})

    rest = consumer.left_processes(matches)
    return " and ".join(
        f"{info.name} is a zombie (nobody collected its exit status)"
        if info.zombie
        else f"{info.name} still runs"
        for info in rest
    )


@pytest.mark.check("02.tail-reaped")
def test_no_process_is_left_after_a_return(consumer, open_files, stream, trips, rng):
    """Looked at while the consumer's process still lives; some calls later no more files are open.

    More lines wait than a queue between two threads may hold.
    """
    stream.append(*trips(3), b"{}\n" * rng.randint(4000, 5000))
    consumer.given("the file held 3 events and then some thousand of {}, and max_events is 2")
    process = consumer.process()
    process.start(TAIL, stream.path, HANDLE, max_events=2).drain()
    rest = left(consumer)
    assert not rest, f"tail_consumer() has returned, and {rest}"
    before = open_files(process.pid)
    for _ in range(TIMES):
        process.start(TAIL, stream.path, HANDLE, max_events=2).drain()
    closed(before, open_files(process.pid), TIMES, "returned")


def closed(before, after, times: int, how: str) -> None:
    """Look at what is open after as many more calls that ended alike: each has closed what it opened."""
    more = len(after) - len(before)
    assert more < times, (
        f"tail_consumer() {how} {times} times more: {more} files were open that had not been before, one of "
        f"them {after[-1]}. Close what a call opens, both ends of a pipe too"
    )


@pytest.mark.check("02.tail-reaped")
def test_no_process_is_left_after_an_exception(consumer, open_files, stream, trips):
    """handle raises in the middle: whatever it is leaves unchanged, and tail is ended."""
    stream.append(*trips(3))
    process, opened = consumer.process(), []
    for exception in (*exceptions.ORDINARY, *exceptions.STOPPING):
        consumer.given("the file held 3 events")
        run = process.start(TAIL, stream.path, HANDLE, max_events=3)
        run.next_event()
        consumer.given(f"handle() raised {exception}")
        run.fails(exception)
        raised = run.raised()
        assert raised.by_handle, (
            f"handle() raised {exception}, which should leave tail_consumer() unchanged; "
            f"{raised.message} left it"
        )
        rest = left(consumer)
        assert not rest, f"{exception} has left tail_consumer(), and {rest}"
        opened.append(open_files(process.pid))
    closed(opened[0], opened[-1], len(opened) - 1, "raised what handle() had raised")


@pytest.mark.check("02.tail-reaped")
def test_another_child_of_the_process_is_left_alone(consumer, stream, trips, rng):
    """One that has ended before, and one that is started afterwards: the caller learns how each ended."""
    stream.append(*trips(3))
    process = consumer.process()
    first, second = rng.sample(range(2, 100), 2)
    process.keep("child", New("subprocess.Popen", ["sh", "-c", f"exit {first}"]))
    settled(
        lambda: [each for each in consumer.processes() if each.name == "sh" and not each.zombie]
    )
    consumer.given("the file held 3 events, and max_events is 2")
    process.start(TAIL, stream.path, HANDLE, max_events=2).drain()
    code = process.call("builtins.int", Method(Kept("child"), "wait"))
    assert code == first, (
        f"before the call the process had started a program that ended with exit code {first}; after it, its "
        f"Popen.wait() returned {code}: wait for the process that you have started, for no other"
    )
    code = process.call("subprocess.call", ["sh", "-c", f"exit {second}"])
    assert code == second, (
        f"after tail_consumer() had returned, the process started a program that ends with exit code {second}; "
        f"subprocess.call() returned {code}. What a call sets for the whole process, such as what SIGCHLD does, "
        "it sets back"
    )


def living_tails(consumer) -> set[int]:
    """The tail processes of all calls that are under way."""
    return {info.pid for info in consumer.processes() if info.name == "tail" and not info.zombie}


@pytest.mark.check("02.tail-reaped")
def test_another_consumers_tail_is_left_alone(consumer, new_stream, trips, until_tail_waits):
    """Two processes follow a file each; one returns, and the other's tail lives on."""
    mine, others = new_stream(), new_stream()
    for stream in (mine, others):
        stream.append(*trips(3))
    other = consumer.start(TAIL, others.path, HANDLE, max_events=5)
    for _ in range(2):
        other.next_event()
        other.handled()
    until_tail_waits(other)
    tails = living_tails(consumer)
    consumer.given("the file held 3 events, and max_events is 2")
    run = consumer.start(TAIL, mine.path, HANDLE, max_events=2)
    run.next_event()
    tails &= living_tails(consumer)  # one that ends by itself is the business of 02.tail-follows
    run.handled()
    run.drain()
    # A tail that was sent a signal ends before it reads what comes now, however late that is.
    late = trips(2)
    others.append(*late)
    step = None
    with suppress(Failed):
        while isinstance(step := other.next(), Handle) and step.event not in late:
            other.handled()
    assert tails <= living_tails(consumer), (
        "two calls of tail_consumer() followed a file each, in two processes; one has returned, and the "
        "other's tail has ended too: end the process that you have started, not every one of its name"
    )
    if not isinstance(step, Handle):
        leave_to(
            "02.tail-follows",
            "two calls of tail_consumer() followed a file each, in two processes; one had returned, and "
            "events were appended to the other's file: the first of them should be handled, it was not",
        )
