"""Hidden suite of exercise 02: when and where socket_consumer listens, and what it leaves behind."""

from __future__ import annotations

import errno
import socket

import pytest

from grader.suite import (
    HANDLE,
    Failed,
    Handle,
    Raised,
    Ready,
    Returned,
    exceptions,
    in_words,
    leave_to,
    settled,
)
from grader.suite.content import to_line

SOCKET = "tcp_socket.socket_consumer"
# Seconds. Who has not raised by then, after a time-out of less than 0.1 s, waits on.
LATE = 3.0


@pytest.mark.check("02.socket-ready")
def test_ready_means_that_a_connection_is_accepted(consumer, start, port, trips):
    """ready() is called once, and a producer that connects inside it is served."""
    (event,) = trips(1)
    consumer.given("nobody has connected yet, and ready() is due")
    run = start(consumer, max_events=1)
    step = run.next("call ready()")
    assert isinstance(step, Ready), f"it should call ready() first; {in_words(step, 'it')}"
    consumer.given("a producer connected inside ready() and sent an event")
    try:
        connection = consumer.connect(port)
    except ConnectionRefusedError:
        raise Failed(
            "it called ready() too early: a producer connected inside ready() and was refused"
        ) from None
    with connection:
        run.go_on()
        connection.sendall(to_line(event))
        step = run.next("call handle() for the event")
        assert isinstance(step, Handle), (
            f"it called ready() once, and should then handle the event; {in_words(step, 'it')}"
        )
        run.handled()
        run.returned()


@pytest.mark.check("02.socket-ready")
def test_what_is_left_out_has_the_value_of_the_stub(consumer, trips, unused):
    """It listens on port 9999 of this machine alone, has time for a producer, and needs no ready."""
    port, options = 9999, {}
    if consumer.sandbox.kind == "process":  # a learner's own code: on this machine it may be taken
        options["port"] = port = unused()
    consumer.given(f"max_events{' and port were' if options else ' alone was'} passed")
    run = consumer.start(SOCKET, HANDLE, max_events=1, **options)
    serves_one_event(consumer, run, trips(1)[0], port, "localhost", "127.0.0.2")


@pytest.mark.check("02.socket-ready")
def test_it_listens_on_the_host_that_it_is_given(consumer, trips, port, long):
    """127.0.0.2 is this machine too, where the system has it, and no other address is listened on."""
    host, elsewhere = ("127.0.0.2", "127.0.0.1") if has_address("127.0.0.2") else ("127.0.0.1", "")
    consumer.given(f"host is {host}")
    run = consumer.start(SOCKET, HANDLE, host=host, port=port, max_events=1, timeout=long)
    serves_one_event(consumer, run, trips(1)[0], port, host, elsewhere)


def has_address(host: str) -> bool:
    """Tell whether a server can listen on it: macOS has 127.0.0.1 alone."""
    try:
        socket.create_server((host, 0)).close()
    except OSError:
        return False
    return True


def serves_one_event(consumer, run, event, port: int, host: str, elsewhere: str) -> None:
    """It listens on `host`, not on `elsewhere`, and handles an event that comes there."""
    for _ in range(500):
        if not run.waiting(0.02):
            step = run.next("wait for a producer")
            raise run.otherwise("wait for a producer", in_words(step, "it"))
        try:
            connection = consumer.connect(port, host)
        except ConnectionRefusedError:
            continue
        with connection:
            assert not elsewhere or not listens(consumer, port, elsewhere), (
                f"it should listen on {host}, and listens on {elsewhere} too"
            )
            connection.sendall(to_line(event))
            seen = run.next_event()
            assert seen == event, f"one event was sent; it handled {seen!r}"
            run.handled()
            run.returned()
        return
    raise Failed(f"{run} did not listen on port {port} of {host} within 10 s")


def listens(consumer, port: int, host: str) -> bool:
    """Tell whether something listens there."""
    try:
        consumer.connect(port, host).close()
    except ConnectionRefusedError as error:
        # Any other reason: it listens, and its queue of connections is full.
        return error.errno != errno.ECONNREFUSED
    return True


def refused(consumer, port: int) -> bool:
    """Tell whether nothing listens, or soon does no more."""
    return not settled(lambda: [port] if listens(consumer, port, "localhost") else [])


def expect_closed(consumer, port: int, producer, why: str) -> None:
    """Nothing listens any more, and the connection is closed; the process lives on."""
    assert refused(consumer, port), f"{why}, and something still listens on its port"
    if producer is not None:
        assert producer.closed_by_consumer(), f"{why}, and its producer's connection is still open"


@pytest.mark.check("02.socket-reuse")
def test_the_port_can_be_used_again_at_once(consumer, start, connect, open_files, trips, port):
    """The connection of the first run is still known to the kernel when the second begins."""
    process, opened = consumer.process(), []
    for number, event in enumerate(trips(4), 1):
        run = start(process, max_events=1)
        producer = connect(run, to_line(event))
        step = run.next("call handle() for the event")
        assert isinstance(step, Handle), (
            f"run {number} on one port should handle an event; {in_words(step, 'it')}"
        )
        run.handled()
        step = run.next("return")
        assert isinstance(step, Returned), (
            f"max_events is 1, and it handled 1: it should return; {in_words(step, 'it')}"
        )
        expect_closed(consumer, port, producer, "socket_consumer() has returned")
        opened.append(open_files(process.pid))
        producer.close()
    no_more_open(opened, "returned")


def no_more_open(opened, how: str) -> None:
    """Look at what was open after each of some calls that ended alike: each has closed what it opened.

    Fewer than one a call are left to a garbage collector.
    """
    more, times = len(opened[-1]) - len(opened[0]), len(opened) - 1
    assert more < times, (
        f"socket_consumer() {how} {times} times more: {more} files or sockets were open that had not been "
        f"before, one of them {opened[-1][-1]}. Close what a call opens"
    )


@pytest.mark.check("02.socket-reuse")
def test_nothing_listens_after_an_exception(consumer, start, connect, open_files, trips, port):
    """handle raises: whatever it is leaves unchanged, and the next run on the port works."""
    process, opened = consumer.process(), []
    for exception in (*exceptions.ORDINARY, *exceptions.STOPPING):
        first, second = trips(2)
        run = start(process, max_events=2)
        producer = connect(run, to_line(first))
        seen = run.next_event()
        assert seen == first, f"the run on a port that was used before handled {seen!r}"
        consumer.given(f"handle() raised {exception}, and another event was sent")
        producer.send(to_line(second))
        run.fails(exception)
        raised = run.raised()
        assert raised.by_handle, (
            f"handle() raised {exception}, which should leave socket_consumer() unchanged; "
            f"another exception left it, {raised.message}"
        )
        expect_closed(consumer, port, producer, f"{exception} has left socket_consumer()")
        opened.append(open_files(process.pid))
        producer.close()
    no_more_open(opened, "raised what handle() had raised")


@pytest.mark.check("02.socket-reuse")
def test_nothing_listens_after_a_timeout(consumer, start, port, rng):
    """Nobody connected in time."""
    run = start(consumer.process(), max_events=1, timeout=rng.randint(3, 9) / 100)
    step = run.next("raise TimeoutError")
    if isinstance(step, Ready):
        run.go_on()
        if run.waiting(LATE):
            leave_to(
                "02.socket-timeout",
                f"nobody connected: it should raise TimeoutError; it had not {LATE} s after ready()",
            )
            return
        step = run.next("raise TimeoutError")
    why = "socket_consumer() gave up waiting for a producer"
    if isinstance(step, Raised):
        expect_closed(consumer, port, None, why)
