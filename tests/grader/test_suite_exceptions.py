"""What left a call is kept until the next one, as by a caller who looks at it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from lab import Lab

from grader.course import Limits
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.suite import Process
from grader.suite.consumer import Consumer
from grader.worker.wire import Callback

CODE = b"""\
import socket

def leaves_it_to_the_collector(handle):
    server = socket.create_server(("127.0.0.1", 0))
    handle({"port": server.getsockname()[1]})

def closes(handle):
    with socket.create_server(("127.0.0.1", 0)) as server:
        handle({"port": server.getsockname()[1]})

def nothing():
    pass
"""
HANDLE = Callback("handle")


@pytest.fixture
def process() -> Iterator[Process]:
    """A process of the code above."""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))
    with ProcessSandbox(setup) as sandbox:
        consumer = Consumer(Lab(sandbox))
        yield consumer.process()
        consumer.close()


def port_after_failure(process: Process, function: str) -> int:
    """The port that `function` listened on; handle has raised, and that has left it."""
    run = process.start(function, HANDLE)
    port: int = run.next_event()["port"]
    run.fails()
    assert run.raised().by_handle
    return port


def listens(port: int) -> bool:
    """Tell whether something listens there."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_what_an_exception_holds_open_is_open_until_the_next_call(process: Process) -> None:
    """Code that leaves closing to the garbage collector is seen to, and disturbs no later call."""
    port = port_after_failure(process, "sample.leaves_it_to_the_collector")
    assert listens(port)
    process.call("sample.nothing")
    assert not listens(port)


def test_what_was_closed_is_closed_though_the_exception_is_kept(process: Process) -> None:
    """A `with` or a `finally` costs nobody anything."""
    assert not listens(port_after_failure(process, "sample.closes"))
