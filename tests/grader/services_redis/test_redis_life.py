"""A private server's life: what starts it, what ends it, and what is left."""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import redis
from redis_lab import (
    SECONDS,
    connect,
    executable,
    folders,
    needs_linux,
    needs_server,
    new_service,
    server_of,
)

from grader.errors import ServiceError
from grader.host.identity import Identity
from grader.services.redis import private
from grader.services.redis.kind import RedisKind
from grader.services.redis.private import PrivateServer, sweep_servers
from grader.services.redis.service import RedisService

ROOT = Path(__file__).parents[3]


@needs_server
@needs_linux
def test_a_large_grader_starts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound on the server's address space comes after all that needs memory of the grader."""
    monkeypatch.setattr(private, "die_with_parent", lambda: bytearray(64 << 20))
    with mmap.mmap(-1, 2 * private.ADDRESS_SPACE, prot=mmap.PROT_READ):
        service = new_service()
        try:
            assert service.client.ping()
        finally:
            service.close()


@needs_server
def test_nothing_of_it_is_left() -> None:
    """Neither process nor folder; and a second close does nothing."""
    before = folders()
    service = new_service()
    service.check()
    process = Identity.of(server_of(service).pid)
    assert len(folders() - before) == 1
    service.close()
    service.close()
    assert not process.alive
    assert folders() - before == set()


@needs_server
def test_a_killed_graders_server_is_swept() -> None:
    """On Linux it ends with the grader; its folder goes with the next run's start."""
    code = """
        import os, signal
        from grader.services.redis.choice import installed
        from grader.services.redis.private import PrivateServer

        server = PrivateServer(installed())
        server.start()
        server.connect().close()
        print(server.pid, server._folder.path, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert said.returncode == -signal.SIGKILL, said.stderr
    pid, folder = said.stdout.split()
    assert Path(folder).exists()
    RedisKind().sweep()
    assert not Path(folder).exists()
    deadline = time.monotonic() + SECONDS
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        Identity.of(int(pid))


@needs_server
def test_a_living_graders_server_is_not_swept(service: RedisService) -> None:
    """Another run begins meanwhile."""
    service.check()
    sweep_servers()
    service.check()
    assert service.client.ping()


@needs_server
def test_a_server_that_dies_is_no_failure_of_a_students(service: RedisService) -> None:
    """`check` says so, also when it is asked again, and it was not shared."""
    with connect(service) as client:
        client.ping()
        os.kill(server_of(service).pid, signal.SIGKILL)
        with pytest.raises(redis.ConnectionError):
            client.ping()
            client.ping()
    for _ in range(2):
        with pytest.raises(ServiceError, match="ended"):
            service.check()
    assert not service.shared
    assert not service.exceeded


@pytest.mark.skipif(sys.platform == "win32", reason="a script for sh")
def test_a_program_that_does_not_start_is_said(tmp_path: Path) -> None:
    """With the last of what it printed, and its folder is removed."""
    program = executable(tmp_path / "redis-server", "#!/bin/sh\necho no luck >&2\nexit 1\n")
    before = folders()
    server = PrivateServer(str(program))
    server.start()
    with pytest.raises(ServiceError, match="no luck"):
        server.connect()
    server.stop()
    assert folders() - before == set()
    with pytest.raises(ServiceError, match="cannot be started"):
        PrivateServer(str(tmp_path / "missing")).start()
    assert folders() - before == set()
