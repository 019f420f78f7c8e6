"""scripts/setup.sh installs the programs that pip cannot: bubblewrap and the servers, or says how."""

from __future__ import annotations

import shutil
import sys

import pytest
from setup_lab import ROOT, Machine, needs_posix


@needs_posix
@pytest.mark.skipif(sys.platform == "darwin", reason="bubblewrap is a Linux program")
def test_a_missing_program_does_not_stop_the_rest(machine: Machine) -> None:
    """Without the right to install, one line says what is missing and what to run."""
    (machine.programs / "bwrap").unlink()
    machine.program("apt-get", "#!/bin/sh\necho apt-get >> calls\n")
    done = machine.setup()
    assert done.returncode == 0
    (line,) = (line for line in done.stdout.splitlines() if "missing" in line)
    assert line.startswith("setup: bubblewrap is missing, so submissions cannot be graded")
    assert line.endswith("`sudo apt-get install bubblewrap`.")
    assert "apt-get" not in machine.calls()


@needs_posix
@pytest.mark.parametrize(("image", "manifest", "missing"), [(0, 1, 0), (1, 0, 0), (1, 1, 1)])
def test_an_engine_counts_where_it_can_have_the_image(
    machine: Machine, image: int, manifest: int, missing: int
) -> None:
    """One that runs and cannot pull is no RabbitMQ: the server is asked for."""
    (machine.programs / "rabbitmq-server").unlink()
    script = machine.root / "scripts" / "setup.sh"
    path = "PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin\n"
    text = script.read_text()
    assert path in text
    script.write_text(text.replace(path, ""))  # the machine's own server is not looked for
    shutil.copy(ROOT / "docker-compose.yml", machine.root)
    answers = f"image) exit {image} ;; manifest) exit {manifest} ;; info) exit 0 ;;"
    machine.program("docker", f'#!/bin/sh\ncase "$1" in {answers} *) exit 1 ;; esac\n')
    machine.program("apt-get", "#!/bin/sh\nexit 1\n")
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("rabbitmq-server is missing") == missing, done.stdout


@needs_posix
@pytest.mark.skipif(sys.platform == "darwin", reason="brew has no policy")
def test_a_missing_redis_is_installed_and_not_started(machine: Machine) -> None:
    """A policy keeps the package from it, and goes afterwards; at boot it is not started either."""
    (machine.programs / "redis-server").unlink()
    policy = machine.root / "policy-rc.d"
    script = machine.root / "scripts" / "setup.sh"
    text = script.read_text()
    assert "policy=/usr/sbin/policy-rc.d\n" in text
    script.write_text(text.replace("policy=/usr/sbin/policy-rc.d\n", f"policy={policy}\n"))
    machine.program("sudo", '#!/bin/sh\nshift\nexec "$@"\n')
    machine.program("true", "#!/bin/sh\n")
    machine.program("tee", '#!/bin/sh\ncat > "$1"\n')
    machine.program("systemctl", '#!/bin/sh\necho "$1-$2" >> calls\n')
    machine.program(
        "apt-get",
        f"#!/bin/sh\n{policy} redis-server start\necho policy-$? >> calls\n"
        'for last; do :; done\necho "$last" >> calls\n',
    )
    done = machine.setup()
    assert "missing" not in done.stdout, done.stdout
    calls = machine.calls()
    assert calls[-3:] == ["policy-101", "redis-server", "disable-redis-server.service"], calls
    assert not policy.exists()


@needs_posix
@pytest.mark.parametrize("program", ["valkey-server", ""])
def test_a_redis_of_another_name_counts(machine: Machine, program: str) -> None:
    """Valkey, or one that runs elsewhere, is as good; nothing is installed, nothing missing."""
    (machine.programs / "redis-server").unlink()
    if program:
        machine.program(program, "#!/bin/sh\n")
    machine.program("apt-get", "#!/bin/sh\necho apt-get >> calls\n")
    elsewhere = {} if program else {"REDIS_URL": "redis://localhost"}
    assert "redis-server is missing" in machine.setup(REDIS_URL="").stdout or program
    done = machine.setup(**elsewhere)
    assert "missing" not in done.stdout, done.stdout
    assert "apt-get" not in machine.calls()


@needs_posix
@pytest.mark.skipif(sys.platform == "darwin", reason="bubblewrap is a Linux program")
def test_package_lists_are_fetched_only_when_needed(machine: Machine) -> None:
    """The install is tried with the lists that are there, then once more with new ones."""
    (machine.programs / "bwrap").unlink()
    machine.program("sudo", '#!/bin/sh\nshift\nexec "$@"\n')
    machine.program("true", "#!/bin/sh\n")
    machine.program(
        "apt-get",
        '#!/bin/sh\necho "$1" >> calls\n[ "$1" = update ] && touch lists\n[ -e lists ]\n',
    )
    assert "missing" not in machine.setup().stdout
    assert machine.calls() == ["venv", "pip", "pip", "install", "update", "install"]
    machine.setup()
    assert machine.calls() == ["install"]
