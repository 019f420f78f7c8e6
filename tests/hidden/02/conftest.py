"""What the tests of exercise 02 share: a free port, and a producer that connects."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.suite import (
    HANDLE,
    READY,
    Consumer,
    Failed,
    Process,
    Ready,
    Run,
    content,
    expect,
    in_words,
    settled,
)

SOCKET = "tcp_socket.socket_consumer"
LONG = 50  # seconds, or a bit more: a time-out that nobody reaches
PACKETS = 1600
"""Of one event, sent byte by byte: more than a thousand are read one by one, whatever the machine does."""
PAUSE = 0.001  # seconds
SOON = 3.0
"""Seconds within which who calls ready() at all has called it."""


class Producer:
    """The suite's side of the connection. A consumer that went away is seen in its next step."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._ends = "", ""
        """The consumer's port and its own, as /proc/net/tcp writes them."""
        self.sent = 0
        """Bytes that `trickle` has sent."""
        with contextlib.suppress(OSError):  # one that is closed already has none
            ends = connection.getpeername(), connection.getsockname()
            self._ends = f":{ends[0][1]:04X}", f":{ends[1][1]:04X}"
        connection.settimeout(seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, *pieces: bytes) -> None:
        """Send each piece in a call of its own."""
        with contextlib.suppress(OSError):
            for piece in pieces:
                self._connection.sendall(piece)

    def send_slowly(self, data: bytes) -> None:
        """Send as the consumer reads, however long that takes, while the test goes on."""
        self._connection.settimeout(None)
        threading.Thread(target=self.send, args=(data,), daemon=True).start()

    def trickle(self, data: bytes) -> None:
        """Send it byte by byte, with a pause after each, while the tests go on."""

        def send() -> None:
            for at in range(len(data)):
                self.send(data[at : at + 1])
                self.sent += 1
                time.sleep(PAUSE)  # the reader is to have each byte alone

        threading.Thread(target=send, daemon=True).start()

    def go_on_sending(self, data: bytes) -> threading.Event:
        """Send it again and again, until the consumer closes or the event that it gives is set."""
        enough = threading.Event()

        def send() -> None:
            with contextlib.suppress(OSError):
                while not enough.wait(20 * PAUSE):
                    self._connection.sendall(data)

        threading.Thread(target=send, daemon=True).start()
        return enough

    def unread_by(self, pid: int) -> list[str]:
        """How much lies unread at the consumer's end; see proc(5), /proc/net/tcp.

        `localhost` is an address of IPv6 for some.
        """
        lines: list[str] = []
        for name in ("tcp", "tcp6"):
            with contextlib.suppress(OSError):  # it has ended, or the system has no IPv6
                lines += Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
        theirs, mine = self._ends
        rows = [line.split() for line in lines]
        return [row[4] for row in rows if row[1].endswith(theirs) and row[2].endswith(mine)]

    def wait_until_read(self, pid: int) -> None:
        """Wait until the consumer has read all that was sent; a second at the most."""
        settled(lambda: [row for row in self.unread_by(pid) if int(row.split(":")[1], 16)], 1.0)

    def closed_by_consumer(self) -> bool:
        """Whether the consumer closes the connection: waits as long as it may take for a step."""
        try:
            while self._connection.recv(4096):
                pass  # what it says to its producer is its own affair
        except ConnectionError:
            pass  # closed with bytes unread
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@pytest.fixture(scope="session")
def taken() -> set[int]:
    """The ports of earlier tests.

    One is busy for a minute (TIME_WAIT) to a consumer without SO_REUSEADDR, which is to cost it
    the check of that and no other.
    """
    return set()


@pytest.fixture
def port(rng: random.Random, taken: set[int]) -> int:
    """A port that nothing has used: in a sandbox any, without one as the machine says."""
    return unused_port(rng, taken)


def unused_port(rng: random.Random, taken: set[int]) -> int:
    """A port beside those of `taken`, which has it from then on."""
    while True:
        number = rng.randint(20_000, 29_999)
        if number in taken:
            continue
        taken.add(number)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", number)):
            return number


@pytest.fixture
def unused(rng: random.Random, taken: set[int]) -> Callable[[], int]:
    """`unused()`: one more port that nothing has used."""
    return lambda: unused_port(rng, taken)


@pytest.fixture
def long(rng: random.Random) -> float:
    """A time-out that nobody reaches; another one in each test."""
    return LONG + rng.randint(0, 200) / 10


@pytest.fixture
def start(port: int, long: float) -> Callable[..., Run]:
    """`start(process_or_consumer, ...)` begins a call of socket_consumer on `port`."""

    def begin(where: Consumer | Process, **kwargs: Any) -> Run:
        wanted = {"port": port, "timeout": long, "ready": READY} | kwargs
        return where.start(SOCKET, HANDLE, **wanted)

    return begin


@pytest.fixture(autouse=True)
def trickle(beside: Any, rng: random.Random, taken: set[int]) -> Callable[[], Any]:
    """`trickle()`: a run, since the first of the tests, whose event comes byte by byte; and the event.

    None where it does not call ready() when a producer can connect.
    """

    def start(consumer: Consumer, at_end: contextlib.ExitStack) -> Any:
        event = content.trips(rng, 1)[0]
        event["note"] = "x" * (PACKETS - len(content.to_line(event | {"note": ""})))
        port = unused_port(rng, taken)
        run = consumer.start(SOCKET, HANDLE, port=port, max_events=1, timeout=LONG, ready=READY)
        if run.waiting(SOON) or not isinstance(run.next(), Ready):
            return None
        try:
            producer = Producer(consumer.connect(port), consumer.seconds)
        except ConnectionRefusedError:
            return None
        at_end.callback(producer.close)
        consumer.progress = lambda: producer.sent
        run.passes_over = (Ready,)
        run.set_at_liberty()
        producer.trickle(content.to_line(event))
        return run, event

    beside.begin("trickle", start)
    return lambda: beside.look("trickle", start)[0]


@pytest.fixture
def until_tail_waits(consumer: Consumer) -> Callable[[Run], None]:
    """`until_tail_waits(run)`: until tail has looked at its file and sleeps, or `run` does something.

    2 s at the most.
    """

    def wait(run: Run) -> None:
        for _ in range(400):
            if tail_state(consumer) in ("S", "Z") or not run.waiting(0.005):
                return

    return wait


def tail_state(consumer: Consumer) -> str:
    """The state of the tail process as ps shows it: S asleep, R running, Z zombie; "" without one."""
    for info in consumer.processes():
        if info.name == "tail":
            try:
                return Path(f"/proc/{info.pid}/stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                return ""
    return ""


@pytest.fixture
def whatever_it_returns(rng: random.Random) -> Callable[[Run, list[Any]], None]:
    """`whatever_it_returns(run, everything)`: handle returns a value of each kind, and all are handled."""

    def look(run: Run, everything: list[Any]) -> None:
        values = rng.sample(content.RETURNED, len(content.RETURNED))
        said = f"handle() returned {', '.join(map(repr, values))} for {len(values)} events"
        run.process.case.given(said)
        for event, value in zip(everything, values, strict=True):
            expect.next_event(run, event, everything, said)
            run.handled(value)
        count = run.returned()
        assert count == len(values), (
            f"{said}: each is handled when it returns, whatever the value; it should return {len(values)}, "
            f"it returned {count!r}"
        )

    return look


def stands_in_ready(run: Run, seconds: float) -> bool:
    """Tell whether it calls ready() within that time, and stands in it now."""
    if run.waiting(seconds):
        return False
    step = run.next("wait for a producer")
    if not isinstance(step, Ready):
        raise Failed(f"{run} should wait for a producer; {in_words(step, 'it')}")
    return True


@pytest.fixture
def connect(consumer: Consumer, port: int) -> Iterator[Callable[..., Producer]]:
    """`connect(run)`: a producer, connected as soon as the consumer listens.

    It does not insist on ready(): whoever forgets that loses the points of one check, not of all.
    """
    made: list[Producer] = []

    def to(run: Run, *pieces: bytes, only_in_ready: bool = False, port: int = port) -> Producer:
        connection = None
        if only_in_ready:
            # The consumer's time-out is short: it must not run while the suite looks for the port.
            if not isinstance(step := run.next("call ready()"), Ready):
                raise Failed(f"{run} should call ready() first; {in_words(step, 'it')}")
            try:
                connection = consumer.connect(port)
            except ConnectionRefusedError:
                raise Failed(
                    f"{run} called ready() too early: a producer connected inside ready() and was "
                    "refused"
                ) from None
            made.append(producer := Producer(connection, consumer.seconds))
            run.passes_over = (Ready,)  # one too many costs the points of 02.socket-ready alone
            producer.send(*pieces)
            run.go_on()
            return producer
        for _ in range(500):
            in_ready = stands_in_ready(run, 0.02)
            with contextlib.suppress(ConnectionRefusedError):
                connection = consumer.connect(port)
                break
            if in_ready:
                run.go_on()
        if connection is None:
            raise Failed(f"{run} did not listen on its port within 10 s")
        made.append(producer := Producer(connection, consumer.seconds))
        # Whoever calls ready() too late still gets an answer, before any event is there.
        in_ready = in_ready or stands_in_ready(run, 0.3)
        run.passes_over = (Ready,)
        producer.send(*pieces)
        if in_ready:
            run.go_on()
        return producer

    yield to
    for producer in made:
        producer.close()
