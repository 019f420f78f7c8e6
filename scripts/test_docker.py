"""Run the tests that need a Docker engine, on an engine of their own.

As root on Debian: the engine listens on a socket that nothing else knows, and ends with the tests,
also after Ctrl-C. No registry is asked: the images are stand-ins with the names that the code
looks for, of Debian's packages. What is left by a run that was killed, the next one removes.
Source: dockerd(8), and docs.docker.com/reference/cli/docker/image/import.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debian_root import NotHereError, main_of, require_programs, require_root, root_of

ROOT = Path(__file__).resolve().parents[1]
_SUITE = "bookworm"
_PACKAGES = ("python3", "rabbitmq-server", "redis-server")
_PREFIX = "stream-docker-"
_BRIDGE = "scd"
_START_SECONDS = 60
_PR_SET_PDEATHSIG = 1
_RABBITMQ = """\
#!/bin/sh
# As the official image: a login by environment, the management page, and guests from anywhere.
set -e
cat > /etc/rabbitmq/rabbitmq.conf << END
default_user = ${RABBITMQ_DEFAULT_USER:-guest}
default_pass = ${RABBITMQ_DEFAULT_PASS:-guest}
loopback_users = none
END
echo '[rabbitmq_management].' > /etc/rabbitmq/enabled_plugins
chown -R rabbitmq:rabbitmq /etc/rabbitmq /var/lib/rabbitmq /var/log/rabbitmq
export HOME=/var/lib/rabbitmq RABBITMQ_LOGS=-
exec setpriv --reuid=rabbitmq --regid=rabbitmq --clear-groups /usr/lib/rabbitmq/bin/rabbitmq-server
"""
_REDIS = """\
#!/bin/sh
# As the official image: a command of one's own, or a server for anybody.
test $# -gt 0 || set -- redis-server --protected-mode no
exec "$@"
"""
_SQS = re.compile(r"image: (motoserver/moto:\S+)")
_BIN = "stand-in-bin"
_PATH = f"ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/{_BIN}"
_MOTO = """\
#!/bin/sh
export PYTHONPATH=/site-packages
exec python -m moto.server --host 0.0.0.0
"""


@contextmanager
def engine() -> Iterator[dict[str, str]]:
    """Run an engine; give the environment of whoever uses it."""
    _sweep()
    pid = os.getpid()
    home = Path(tempfile.gettempdir(), f"{_PREFIX}{pid}")
    home.mkdir(mode=0o711)
    bridge = f"{_BRIDGE}{pid}"
    daemon: subprocess.Popen[bytes] | None = None
    try:
        # Of the block that is for tests of networks: nobody's own network is there.
        _run("ip", "link", "add", bridge, "type", "bridge")
        _run("ip", "address", "add", f"198.18.{pid % 256}.1/24", "dev", bridge)
        _run("ip", "link", "set", bridge, "up")
        socket = f"unix://{home}/socket"
        command = ["dockerd", "--host", socket, "--pidfile", f"{home}/pid", "--bridge", bridge]
        command += ["--data-root", f"{home}/data", "--exec-root", f"{home}/exec"]
        command += ["--iptables=false", "--ip-forward=false", "--ip-masq=false"]
        with (home / "log").open("wb") as log:
            daemon = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - one system call
            )
        environment = os.environ | {"DOCKER_HOST": socket}
        for name in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "RABBITMQ_URL", "REDIS_URL"):
            environment.pop(name, None)
        _wait(daemon, environment, home / "log")
        yield environment
    finally:
        if daemon is not None:
            daemon.terminate()
            try:
                daemon.wait(_START_SECONDS)
            except subprocess.TimeoutExpired:
                daemon.kill()
        _remove(home, bridge)


def _end_with_parent() -> None:
    """Have what is started end also where this process is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _wait(daemon: subprocess.Popen[bytes], environment: dict[str, str], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while _docker(environment, "version"):
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise NotHereError(f"no Docker engine starts: {_end_of(log)}")
        time.sleep(0.2)


def _end_of(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1] if lines else "it printed nothing"


def _sweep() -> None:
    """Remove what is left of runs that were killed."""
    for home in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = home.name.removeprefix(_PREFIX)
        if pid.isdigit() and not Path("/proc", pid).exists():
            _remove(home, f"{_BRIDGE}{pid}")


def _remove(home: Path, bridge: str) -> None:
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    for line in reversed(mounts):
        place = line.split()[1]
        if place.startswith(f"{home}/"):
            subprocess.run(["umount", "--lazy", place], check=False)  # noqa: S607
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run(["ip", "link", "delete", bridge], check=False, capture_output=True)  # noqa: S607


def make_images(environment: dict[str, str]) -> None:
    """Give the engine the images that the code asks for."""
    sys.path.insert(0, str(ROOT))
    from grader.services.rabbitmq import docker as rabbitmq  # noqa: PLC0415 - after the checks
    from grader.services.redis import docker as redis  # noqa: PLC0415

    root = root_of(_SUITE, _PACKAGES)
    with tempfile.TemporaryDirectory() as folder:
        _stand_in(environment, root, rabbitmq.IMAGE, Path(folder, "stand-in-rabbitmq"), _RABBITMQ)
        _stand_in(environment, root, redis.IMAGE, Path(folder, "stand-in-redis"), _REDIS)
        if _has_compose(environment):
            Path(folder, _BIN).mkdir()
            Path(folder, _BIN, "python").symlink_to("/usr/bin/python3")
            packages = Path(sysconfig.get_path("purelib"))
            besides = (_BIN, "--directory", str(packages.parent), packages.name)
            sqs = _SQS.findall((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))[0]
            _stand_in(environment, root, sqs, Path(folder, "stand-in-sqs"), _MOTO, *besides)


def _has_compose(environment: dict[str, str]) -> bool:
    return not _docker(environment, "compose", "version")


def _stand_in(
    environment: dict[str, str], root: Path, image: str, start: Path, script: str, *besides: str
) -> None:
    """Make an image of the root file system, a script that it starts with, and files `besides`."""
    start.write_text(script, encoding="ascii")
    start.chmod(0o755)
    command = ["tar", "--create", "--directory", str(root), "--exclude=./proc/*"]
    command += ["--exclude=./var/cache/*", ".", "--directory", str(start.parent), start.name]
    _import(environment, [*command, *besides], image, f'ENTRYPOINT ["/{start.name}"]')


def _import(environment: dict[str, str], tar: list[str], image: str, change: str) -> None:
    with subprocess.Popen(tar, stdout=subprocess.PIPE) as archive:
        done = subprocess.run(
            ["docker", "import", "--change", _PATH, "--change", change, "-", image],  # noqa: S607
            stdin=archive.stdout,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    if done.returncode:
        raise NotHereError(f"the engine takes no image: {done.stderr.strip()}")


def _docker(environment: dict[str, str], *arguments: str) -> int:
    done = subprocess.run(
        ["docker", *arguments],  # noqa: S607
        env=environment,
        check=False,
        capture_output=True,
    )
    return done.returncode


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise NotHereError(f"`{' '.join(command)}`: {done.stderr.strip()}")


def main(words: list[str]) -> int:
    """Run the tests, with pytest's `words` besides; return the exit code."""
    require_root("make test-docker")
    require_programs(dockerd="docker.io", docker="docker.io", ip="iproute2")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with engine() as environment:
        make_images(environment)
        command = [sys.executable, "-m", "pytest", "-W", "error", "-m", "docker", *words]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - one system call
        ) as tests:
            try:
                failed = tests.wait()
            except KeyboardInterrupt:
                tests.send_signal(signal.SIGINT)
                tests.wait()
                raise
        if not _has_compose(environment):
            print("- docker-compose.yml: not run, there is no `docker compose`")
    return failed


if __name__ == "__main__":
    sys.exit(main_of(main, sys.argv[1:]))
