"""Both kinds of sandbox do the same for a suite: steps, processes, ports, folders, and deadlines."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import CODE, Lab

from grader.course import Limits
from grader.errors import UnexplainedSandboxError
from grader.host.holding import hold
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.choice import sweep
from grader.sandbox.line import SandboxDied
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.suite import Failed, Returned, Write
from grader.suite.consumer import Consumer
from grader.worker.wire import Callback

HANDLE = Callback("handle")


@pytest.fixture(params=[ProcessSandbox, BubblewrapSandbox], ids=lambda kind: kind.kind)
def consumer(request: pytest.FixtureRequest) -> Iterator[Consumer]:
    """The code above, in each kind of sandbox."""
    setup = Setup(files={"code.py": b"", "sample.py": CODE}, ports=[6379], limits=Limits(seconds=5))
    with request.param(setup) as sandbox:
        consumer = Consumer(Lab(sandbox))
        yield consumer
        consumer.close()


def test_steps_come_one_by_one(consumer: Consumer) -> None:
    """The code stands still in each handle until it is answered."""
    run = consumer.start("sample.events", [1, 2], HANDLE)
    assert run.next_event() == 1
    assert run.waiting(0.05)
    run.handled()
    assert run.next_event() == 2
    run.fails("KeyError")
    raised = run.raised()
    assert raised.is_a("LookupError")
    assert "line 10 of sample.py" in raised.message


def test_a_kill_is_sigkill_and_the_next_process_is_new(consumer: Consumer) -> None:
    """After kill() the process is gone, and another one can be started."""
    run = consumer.start("sample.events", [1], HANDLE)
    run.next_event()
    pid = run.process.pid
    assert Path(f"/proc/{pid}").exists()
    run.kill()
    assert not run.process.alive
    assert not Path(f"/proc/{pid}/exe").exists()
    assert consumer.start("sample.events", [3], HANDLE).drain() == [3]


def test_children_are_seen_running_and_as_zombies(consumer: Consumer) -> None:
    """processes() names what the student's process left, also after it has ended and nobody reaped it."""
    process = consumer.process()
    process.call("sample.run", "import subprocess; p = subprocess.Popen(['sleep', '100'])")
    (info,) = consumer.processes()
    assert (info.name, info.zombie) == ("sleep", False)
    os.kill(info.pid, 9)
    process.call("sample.run", "import os, signal; os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)")
    (info,) = consumer.processes()
    assert info.zombie


def test_the_suite_reaches_a_server_inside(consumer: Consumer) -> None:
    """connect() works as soon as the code listens, and is refused before."""
    port = 20_000 + os.getpid() % 10_000
    with pytest.raises(ConnectionRefusedError):
        consumer.connect(port)
    run = consumer.start("sample.serve", port, Callback("ready"))
    run.next()
    with consumer.connect(port) as connection:
        connection.sendall(b"hello")
        run.go_on()
        assert run.returned() == b"hello"


def test_a_service_port_is_accepted_on_from_outside(consumer: Consumer) -> None:
    """What connects to the service's port inside arrives at the grader's listening socket."""
    listener, port = consumer.sandbox.listeners[6379]
    run = consumer.process().start(
        "sample.run",
        f"import socket; s = socket.create_connection(('localhost', {port})); result = s.recv(9)",
    )
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"PONG")
        assert run.returned() == b"PONG"


def test_folders_are_shared(consumer: Consumer) -> None:
    """The stream is the suite's to write, the state folder the student's."""
    consumer.stream.append("s", b"one\n")
    consumer.stream.append("s", b"two\n")
    read = f"result = open({consumer.stream.path('s')!r}, 'rb').read()"
    assert consumer.process().call("sample.run", read) == b"one\ntwo\n"
    consumer.state.write("given", b"x")
    write = f"open({consumer.state.path('made')!r}, 'w').write('made')"
    consumer.process().call("sample.run", write)
    assert consumer.state.names() == ["given", "made"]
    assert consumer.state.read("made") == b"made"


def test_a_link_in_the_state_folder_is_not_followed(consumer: Consumer) -> None:
    """The suite reads regular files only, whatever the student puts there."""
    link = f"import os; os.symlink('/etc/passwd', {consumer.state.path('link')!r})"
    consumer.process().call("sample.run", link)
    pipe = f"import os; os.mkfifo({consumer.state.path('pipe')!r})"
    consumer.process().call("sample.run", pipe)
    assert consumer.state.read("link") is None
    assert consumer.state.read("pipe") is None


def test_what_cannot_be_cleared_is_seen(consumer: Consumer) -> None:
    """Files and links go; a folder stays, and clear() says so."""
    state = consumer.state
    make = f"import os\nfor n in range(5): open({state.path('f')!r} + str(n), 'w')\nos.symlink('/etc', {state.path('l')!r})"
    consumer.process().call("sample.run", make)
    assert state.clear()
    assert state.names() == []
    consumer.process().call("sample.run", f"import os; os.makedirs({state.path('a/b/c')!r})")
    assert not state.clear()
    assert state.names() == ["a"]


def test_who_reads_nothing_keeps_nobody_waiting(consumer: Consumer) -> None:
    """A request that a stopped process does not read ends at the limit of a step."""
    process = consumer.process()
    pause = (
        "import os, signal, threading; threading.Timer(0.01, os.kill, (os.getpid(), 19)).start()"
    )
    process.call("sample.run", pause)
    with pytest.raises(Failed, match="did nothing"):
        process.call("sample.run", f"pass  # {'x' * (4 << 20)}")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("b'x'", id="parts of a message that does not end"),
        pytest.param("b'x', socket.MSG_OOB", id="urgent bytes, of which nothing can be read"),
    ],
)
def test_bytes_that_are_no_message_put_no_deadline_off(said: str) -> None:
    """Without walls too: whoever sends some again and again does nothing, and it is its failure."""
    send = f"""
import os, socket, time
for name in os.listdir("/proc/self/fd"):
    if os.path.islink(path := f"/proc/self/fd/{{name}}") and "socket" in os.readlink(path):
        channel = socket.socket(fileno=os.dup(int(name)))
end = time.monotonic() + 20
while time.monotonic() < end:
    channel.send({said})
    time.sleep(0.1)
"""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=1))
    with (
        ProcessSandbox(setup) as sandbox,
        contextlib.closing(Consumer(Lab(sandbox))) as consumer,
    ):
        process = consumer.process()
        begin = time.monotonic()
        with pytest.raises(Failed, match="for 1 s it did not"):
            process.call("sample.run", send)
        assert time.monotonic() - begin < 10


def test_held_calls_that_change_no_file_put_no_deadline_off() -> None:
    """Each is looked at and let go; whoever makes them without a pause does nothing either."""
    code = """
import os, time
reading, writing = os.pipe()
end = time.monotonic() + 20
while time.monotonic() < end:
    os.write(writing, b"x")
    os.read(reading, 1)
"""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=1))
    with (
        ProcessSandbox(setup) as sandbox,
        contextlib.closing(Consumer(Lab(sandbox))) as consumer,
    ):
        process = consumer.process(stop_at_writes=True)
        begin = time.monotonic()
        with pytest.raises(Failed, match="for 1 s it did not"):
            process.call("sample.run", code)
        assert time.monotonic() - begin < 15


def test_writes_are_held_before_they_happen(consumer: Consumer) -> None:
    """With stop_at_writes every change of a file is a step, and a kill comes before it."""
    path = consumer.state.path("f")
    run = consumer.process(stop_at_writes=True).start(
        "sample.run", f"open({path!r}, 'w').write('x')"
    )
    assert isinstance(run.next(), Write)
    assert consumer.state.names() == []
    run.go_on()
    step = run.next()
    assert step == Write("write")
    assert consumer.state.read("f") == b""
    run.kill()
    assert consumer.state.read("f") == b""


def test_reading_is_no_write(consumer: Consumer) -> None:
    """Opening for reading, importing and printing are not held."""
    code = "import colorsys; print('x', flush=True); result = open('/proc/self/stat').read(1)"
    run = consumer.process(stop_at_writes=True).start("sample.run", code)
    assert isinstance(run.next(), Returned)


@pytest.mark.parametrize(
    ("code", "did"),
    [
        ("pass", "its first process ended, and said nothing"),
        ("import time; time.sleep(60)", "its first process was silent for 0.1 s"),
        ("raise SystemExit('no room')", "no room"),
    ],
)
def test_a_sandbox_that_does_not_start_says_why(
    monkeypatch: pytest.MonkeyPatch, code: str, did: str
) -> None:
    """It repeats what its first process printed, or else tells that it ended or was silent."""
    monkeypatch.setattr("grader.sandbox.base.START_SECONDS", 0.1 if "sleep" in code else 30)
    command = [sys.executable, "-c", code]
    monkeypatch.setattr(ProcessSandbox, "_command", lambda *_: command)
    with (
        pytest.raises(UnexplainedSandboxError, match=f"process sandbox did not start: {did}\\."),
        ProcessSandbox(Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))),
    ):
        pass


def test_the_death_of_the_sandbox_is_the_students_failure() -> None:
    """Without walls a process can kill its parent: it fails, and no later process can be had."""
    with ProcessSandbox(Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))) as sandbox:
        with contextlib.closing(Consumer(Lab(sandbox))) as consumer, pytest.raises(Failed):
            consumer.process().call("sample.run", "import os; os.kill(os.getppid(), 9); 1 / 0")
            consumer.process()
        with pytest.raises(SandboxDied):
            sandbox.spawn()


def test_the_sweep_leaves_what_somebody_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grader in another container shares the folder, and its pid is nobody's here."""
    monkeypatch.setattr("grader.sandbox.choice.scratch_home", lambda: str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    dead, elsewhere = (tmp_path / f"grader-{ended.pid}-{name}" for name in ("dead", "used"))
    for folder in (dead, elsewhere):
        folder.mkdir()
    in_another_container = hold(elsewhere)
    sweep()
    assert list(tmp_path.iterdir()) == [elsewhere]
    os.close(in_another_container)
    sweep()
    assert not list(tmp_path.iterdir())


def test_files_that_somebody_took_away_are_noticed(consumer: Consumer) -> None:
    """A clean-up of the temporary folder is no mistake of the student's."""
    assert consumer.sandbox.whole
    (consumer.sandbox.base / "submission" / "sample.py").unlink()
    assert not consumer.sandbox.whole
