"""The private Redis of a submission: who reaches it, and what it may do."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
import redis
from redis_lab import SECONDS, connect, needs_linux, needs_server, new_service, server_of

from grader.errors import ServiceError
from grader.services.redis import front, private
from grader.services.redis.commands import Command, encode
from grader.services.redis.private import FOLDER_PREFIX, home
from grader.services.redis.service import RedisService


@needs_server
@needs_linux
def test_it_listens_on_no_port(service: RedisService) -> None:
    """Its socket lies in a folder that others cannot enter: on a port, any user could come."""
    service.check()
    pid = server_of(service).pid
    mine = {
        target
        for descriptor in Path(f"/proc/{pid}/fd").iterdir()
        if (target := str(descriptor.readlink())).startswith("socket:")
    }
    listening = {
        f"socket:[{line.split()[9]}]"
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    }
    assert mine
    assert not mine & listening
    (folder,) = Path(home()).glob(f"{FOLDER_PREFIX}{os.getpid()}-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_uid == os.geteuid()


@needs_server
@needs_linux
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_roots_server_is_nobody(service: RedisService) -> None:
    """Whoever breaks into it is a user that owns nothing."""
    service.check()
    status = Path(f"/proc/{server_of(service).pid}/status").read_text()
    uids = status.partition("\nUid:\t")[2].partition("\n")[0].split("\t")
    groups = status.partition("\nGroups:\t")[2].partition("\n")[0].split()
    assert len(set(uids)) == 1
    assert int(uids[0]) >= 65534
    assert groups == []


@needs_server
def test_submissions_have_nothing_in_common(service: RedisService) -> None:
    """One's keys, channels and work are on no other's server."""
    other = new_service()
    with connect(service) as mine, connect(other) as theirs:
        mine.set("key", "mine")
        assert theirs.get("key") is None
        pubsub = theirs.pubsub()  # type: ignore[no-untyped-call]
        pubsub.subscribe("trips")
        pubsub.get_message(timeout=SECONDS)
        assert mine.publish("trips", "x") == 0
        pubsub.close()
    other.close()


FORBIDDEN = (
    "CONFIG GET *",
    "CONFIG SET maxmemory 0",
    "DEBUG SLEEP 9",
    "SHUTDOWN NOSAVE",
    "SLAVEOF 127.0.0.1 1",
    "REPLICAOF NO ONE",
    "MODULE LOAD x",
    "ACL SETUSER default +@all",
    "EVAL return(1) 0",
    "FCALL f 0",
    "SCRIPT LOAD return(1)",
    "FLUSHALL",
    "KEYS *",
    "MONITOR",
    "SAVE",
    "MIGRATE 127.0.0.1 1 k 0 1",
    "CLIENT KILL TYPE normal",
    "CLIENT PAUSE 9000",
    "CLIENT LIST",
)


@needs_server
@pytest.mark.parametrize("words", FORBIDDEN)
def test_the_server_itself_refuses_what_administers_it(service: RedisService, words: str) -> None:
    """Also where the front would let it through, and where the client resets its connection."""
    for first in (b"", encode(b"RESET")):
        with contextlib.closing(server_of(service).connect()) as raw:
            raw.settimeout(SECONDS)
            raw.sendall(first + encode(*words.encode().split()) + encode(b"PING"))
            said = b""
            while not said.endswith(b"+PONG\r\n"):
                said += raw.recv(4096)
        assert b"-NOPERM" in said or b" not allowed" in said, said
    with connect(service) as client, pytest.raises(redis.ResponseError):
        client.execute_command(*words.split())  # type: ignore[no-untyped-call]


@needs_server
def test_the_server_lets_through_what_the_front_does(service: RedisService) -> None:
    """A command that the exercises need is refused by neither of the two lists."""
    containers = {"XGROUP": "CREATE s g 0", "XINFO": "STREAM s", "PUBSUB": "CHANNELS"}
    containers |= {"CLIENT": "ID", "COMMAND": "COUNT"}
    known = {name.upper(): each["arity"] for name, each in service.client.command().items()}
    allowed = {name for name in known if _is_allowed(name, containers)}
    assert {"XAUTOCLAIM", "XPENDING", "XCLAIM", "XINFO", "XREADGROUP", "PUBLISH"} <= allowed
    for name in allowed:
        rest = containers.get(name, " ".join("1" * (abs(known[name]) - 1))).split()
        verdict = service.client.execute_command("ACL", "DRYRUN", "default", name, *rest)  # type: ignore[no-untyped-call]
        assert verdict in (b"OK", "OK"), (name, verdict)


def _is_allowed(name: str, containers: dict[str, str]) -> bool:
    words = (name, *containers.get(name, "1").split())
    return Command(tuple(word.encode() for word in words), b"").allowed


@needs_server
def test_it_keeps_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it refuses, nothing of what it has is thrown away, and the submission did it."""
    monkeypatch.setattr("grader.services.redis.config.MEMORY_MB", 8)
    service = new_service()
    with connect(service) as client:
        client.set("first", "kept")
        with pytest.raises(redis.RedisError, match="maxmemory"):
            for number in range(100):
                client.xadd("s", {"event": "x" * 200_000}, id=f"1-{number + 1}")
        assert client.get("first") == b"kept"
    assert service.exceeded
    assert "keep more" in service.why_exceeded
    service.check()
    service.close()


@needs_server
def test_what_is_asked_for_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer may be a million times as long as its question."""
    monkeypatch.setattr(front, "MAX_DOWN", 100_000)
    service = new_service()
    with connect(service) as client:
        client.xadd("s", {"event": "x" * 30_000})
        assert len(client.xrange("s")) == 1
        assert not service.exceeded
        with pytest.raises(redis.ConnectionError):
            for _ in range(5):
                client.xrange("s")
    assert service.exceeded
    assert "asked" in service.why_exceeded
    service.check()
    service.close()


@needs_server
def test_it_computes_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction of many scans would keep it for hours: the kernel ends it, and who did is said."""
    monkeypatch.setattr(private, "CPU_SECONDS", 1)
    service = new_service()
    with connect(service) as client:
        client.rpush("l", *(str(number) for number in range(3000)))
        transaction = client.pipeline(transaction=True)
        for number in range(30_000):
            transaction.lrem("l", 0, f"none {number}")
        with pytest.raises(redis.RedisError):
            for _ in range(50):
                transaction.execute(raise_on_error=False)
                for number in range(30_000):
                    transaction.lrem("l", 0, f"none {number}")
    with pytest.raises(ServiceError):
        service.check()
    assert service.exceeded
    assert "compute" in service.why_exceeded
    service.close()
