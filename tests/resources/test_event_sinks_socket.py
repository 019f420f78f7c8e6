"""The socket sink before a consumer's socket: whole lines arrive, and who is not there is named."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import pytest
from generator_lab import one_line, posix

from events import decode


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A consumer's listening socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield server


def test_the_socket_gets_whole_lines(generator, listener: socket.socket) -> None:
    """A consumer that reads to the end has every event, in lines."""
    host, port = listener.getsockname()
    options = ("--host", host, "--port", port, "--interval", 0, "--count", 15)
    done = generator.run("socket", *options)
    with listener.accept()[0] as producer, producer.makefile("rb") as stream:
        trips = [decode(line) for line in stream]
    assert len(trips) == 15
    lines = done.stdout.splitlines()
    assert lines[0] == f"[socket] Sending 15 events to {host}:{port}, as fast as possible."
    assert lines[1:-1] == [f"[socket] Sent event {k}/15" for k in range(1, 16)]
    assert lines[-1] == "[socket] Done: 15 events sent."
    assert (done.returncode, done.stderr) == (0, "")


def test_no_consumer_listens(generator, closed_port: int) -> None:
    """The consumer has to be started first, and the line says so."""
    done = generator.run("socket", "--host", "127.0.0.1", "--port", closed_port)
    assert one_line(done) == (
        f"[socket] Nobody listens on 127.0.0.1:{closed_port}. "
        "Start the consumer first, then run this again."
    )


def test_a_host_that_does_not_exist(generator) -> None:
    """A name that does not resolve is told apart from a consumer that is not there."""
    line = one_line(generator.run("socket", "--host", "nowhere.invalid"))
    assert line.startswith("[socket] Cannot connect to nowhere.invalid:9999: ")
    assert line.endswith("Check --host and --port.")


def test_the_consumer_hangs_up(generator, listener: socket.socket) -> None:
    """A consumer that stops early ends the generator: one line, exit 1, no traceback."""
    port = listener.getsockname()[1]
    options = ("--host", "127.0.0.1", "--port", port, "--interval", 0, "--quiet")
    with generator.start("socket", *options) as process:
        with listener.accept()[0] as producer:
            assert producer.recv(1)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.startswith(f"[socket] The consumer on 127.0.0.1:{port} hung up. ")
    assert err.count("\n") == 1
    assert "Stopped after " in err


@posix
def test_ctrl_c_breaks_into_a_consumer_that_does_not_read(
    generator, listener: socket.socket
) -> None:
    """Nobody reads, the buffers fill up, sending blocks: Ctrl-C ends it all the same."""
    port = listener.getsockname()[1]
    options = ("--host", "127.0.0.1", "--port", port, "--interval", 0, "--quiet")
    with generator.start("socket", *options) as process, listener.accept()[0]:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert out.startswith("[socket] Stopped by Ctrl-C after ")
    assert (process.returncode, err) == (130, "")
