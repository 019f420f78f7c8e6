"""A private node's life: what starts it, what ends it, and what is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from rabbitmq_lab import ROOT, executable, needs_linux, needs_server, processes_of

from grader.errors import ServiceError
from grader.host.holding import hold
from grader.host.identity import Identity
from grader.services.rabbitmq.choice import (
    ServerChoice,
    installed_server,
)
from grader.services.rabbitmq.node import Login
from grader.services.rabbitmq.private import FOLDER_PREFIX, PrivateNode, sweep_nodes
from grader.services.rabbitmq.started import StartedBroker

KILLED_RUN = """\
import os, signal, sys
from pathlib import Path
from grader.services.rabbitmq.broker import StartedBroker
from grader.services.rabbitmq.choice import ServerChoice
broker = StartedBroker(ServerChoice(Path(sys.argv[1])))
if sys.argv[2] == "ready":
    broker.lease()
print(broker.supervisor_pid, flush=True)
sys.stdin.read()
"""


def killed_run(scratch: Path, when: str) -> tuple[subprocess.Popen[str], int]:
    """A run with a broker, in a process that waits to be killed; its supervisor."""
    run = subprocess.Popen(
        [sys.executable, "-c", KILLED_RUN, str(installed_server()), when],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    return run, int(run.stdout.readline())


@needs_server
@needs_linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_killed_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """While the node starts: the supervisor ends, the node's processes and its folder with it."""
    run, supervisor = killed_run(tmp_path, "at once")
    keeper = Identity.of(supervisor)
    run.send_signal(number)
    run.communicate(timeout=20)
    assert keeper.wait(20)
    assert not list(tmp_path.iterdir())


@needs_server
@needs_linux
def test_a_killed_supervisor_takes_the_node_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel ends the node; the folder, for which nobody is left, goes at the next start."""
    run, supervisor = killed_run(tmp_path, "ready")
    children = [Identity.of(pid) for pid in processes_of(supervisor).values()]
    os.kill(supervisor, signal.SIGKILL)
    run.communicate(timeout=20)
    assert children
    assert all(child.wait(20) for child in children)
    assert [folder.name[: len(FOLDER_PREFIX)] for folder in tmp_path.iterdir()] == [FOLDER_PREFIX]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    sweep_nodes()
    assert not list(tmp_path.iterdir())


def test_the_sweep_ends_what_a_dead_owner_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recorded process is ended; one with merely a recorded pid is not, nor a live owner's."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, innocent = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    theirs = Identity.of(left.pid)
    dead = tmp_path / f"{FOLDER_PREFIX}{innocent.pid}-1-x"
    dead.mkdir()
    (dead / "processes").write_text(f"[{theirs.pid}, {theirs.started}]\n[{innocent.pid}, 1]\n")
    me = Identity.of(os.getpid())
    alive = tmp_path / f"{FOLDER_PREFIX}{me.pid}-{me.started}-x"
    elsewhere = tmp_path / f"{FOLDER_PREFIX}{innocent.pid}-2-x"
    for folder in (alive, elsewhere):
        folder.mkdir()
    in_another_container = hold(elsewhere)
    sweep_nodes()
    assert left.wait(5) == -signal.SIGKILL
    assert innocent.poll() is None
    assert sorted(tmp_path.iterdir()) == sorted([alive, elsewhere])
    os.close(in_another_container)
    innocent.kill()
    innocent.wait()


def test_a_server_that_cannot_start_is_a_service_error(tmp_path: Path) -> None:
    """The lease says what the server printed, and nothing is left."""
    script = executable(tmp_path / "rabbitmq-server", "#!/bin/sh\necho no Erlang here\nexit 1\n")
    broker = StartedBroker(ServerChoice(script))
    with pytest.raises(ServiceError, match=r"no Erlang here|epmd"):
        broker.lease()
    broker.close()
    broker.close()
    with pytest.raises(ServiceError):
        broker.lease()


def test_a_port_taken_meanwhile_is_tried_again(tmp_path: Path) -> None:
    """Also when the server prints pages after it said so."""
    tries = tmp_path / "tries"
    script = executable(
        tmp_path / "rabbitmq-server",
        f"#!/bin/sh\necho . >> {tries}\necho eaddrinuse\nseq 2000\nexit 1\n",
    )
    node = PrivateNode(script, Login("grader", "secret"))
    with pytest.raises(ServiceError, match="2000"):
        node.wait()
    node.stop()
    assert tries.read_text().count(".") == 3


def test_importing_the_services_starts_no_thread() -> None:
    """A grading process is forked from one that has imported them."""
    code = textwrap.dedent("""
        import threading
        import grader.services.rabbitmq.service, grader.services.rabbitmq.broker
        print(threading.active_count())
    """)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1"
