"""The walls of bubblewrap: what code inside does not see, may not do, and has only so much of."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lab import CODE, Lab

from grader.course import Limits
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.setup import Setup
from grader.suite import Failed
from grader.suite.consumer import Consumer

PRCTL = 157 if platform.machine() == "x86_64" else 167


@pytest.fixture
def walled() -> Iterator[Callable[[str], Any]]:
    """`walled(code)`: what `result` is after the code ran inside bubblewrap."""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))
    with BubblewrapSandbox(setup) as sandbox:
        consumer = Consumer(Lab(sandbox))
        yield lambda code: consumer.process().call("sample.run", code)
        consumer.close()


@pytest.mark.parametrize("number", ["SIGKILL", "SIGSTOP", "SIGINT", "SIGTERM", "SIGALRM"])
def test_no_signal_from_inside_reaches_the_first_process(
    walled: Callable[[str], Any], number: str
) -> None:
    """It is pid 1 of a namespace, and has no handler for any."""
    walled(f"import os, signal; os.kill(1, signal.{number})")
    assert walled("result = 'alive'") == "alive"


def seen(*places: str) -> str:
    """Code that finds what is there of these places, but for the way to Python and its packages.

    They lie inside where they lie outside, which may be below /home or /opt.
    """
    return f"""
import os, sys
ways = [*sys.path, sys.base_prefix]
result, left = [], {list(places)}
while left:
    path = left.pop()
    if path not in ways and any(way.startswith(path + "/") for way in ways):
        left += [os.path.join(path, name) for name in os.listdir(path)]
    elif path not in ways and os.path.exists(path):
        result.append(path)
"""


# Nothing but its output, its socket and what it could open itself: libffi, which ctypes loads,
# keeps its own file open as version 3.8.0 is built in Debian's sid.
DESCRIPTORS = """
import fcntl, os
opened, writes = [], []
for number in map(int, os.listdir("/proc/self/fd")):
    try:
        name, mode = os.readlink(f"/proc/self/fd/{number}"), fcntl.fcntl(number, fcntl.F_GETFL)
    except OSError:
        continue  # what listdir had open
    if not os.path.exists(name):
        opened.append(name.partition(":")[0])
    elif mode & os.O_ACCMODE != os.O_RDONLY and name != "/dev/null":
        writes.append(name)
result = writes or sorted(opened) != ["pipe", "pipe", "socket"]
"""

WALLS = {
    "no file of the host": seen("/home", "/root", "/var", "/sys", "/etc/shadow", __file__),
    "no secret of /etc": "import os; result = {'shadow', 'gshadow', 'machine-id', 'ssh', 'ssl', 'hosts.allow', 'fstab', 'sudoers', 'crontab'} & set(os.listdir('/etc')) or [u for u in open('/etc/passwd').read().split() if u.split(':')[0] not in ('root', 'student')]",
    "no program or file of the machine's own": seen(
        "/usr/local/bin", "/usr/src", "/opt", "/srv", "/mnt", "/usr/etc"
    ),
    "no name of the machine": "import socket; result = socket.gethostname() != 'sandbox'",
    "no environment": "import os; result = sorted(set(os.environ) - {'PATH', 'HOME', 'LANG', 'PWD', 'LC_CTYPE'})",
    "no uid 0": "import os; result = 0 in (os.getuid(), os.geteuid(), os.getgid())",
    "no capability": "result = [l for l in open('/proc/self/status') if l.startswith('CapEff') and int(l.split()[1], 16)]",
    "no other process": "import os; result = [p for p in os.listdir('/proc') if p.isdigit() and open(f'/proc/{p}/comm').read().strip() not in ('bwrap', 'python3.11', 'python3.12', 'python3.13', 'python3.14', 'python3')]",
    "no network": "import socket\ntry:\n    socket.create_connection(('192.0.2.1', 80), 1)\n    result = 1\nexcept OSError:\n    result = 0",
    "no write to /usr": "import os; result = os.access('/usr', os.W_OK) or os.access('/submission', os.W_OK) or os.access('/stream', os.W_OK) or os.access('/', os.W_OK)",
    "no core pattern": "import os; result = os.access('/proc/sys/kernel/core_pattern', os.W_OK)",
    "no setting of its own namespaces": "import os; result = [os.path.join(d, n) for d, _, names in os.walk('/proc/sys') for n in names if os.access(os.path.join(d, n), os.W_OK)]",
    "no new namespace": "import ctypes; result = ctypes.CDLL(None).unshare(0x10000000) == 0",
    "no memory that no limit counts": "import ctypes, os\nlibc = ctypes.CDLL(None)\nresult = libc.shmget(0, 4096, 0o1600) >= 0 or libc.memfd_create(b'x', 0) >= 0",
    "no netlink but of routes": "import socket\nresult = []\nfor number in range(1, 32):\n    try:\n        socket.socket(16, socket.SOCK_RAW, number)\n        result.append(number)\n    except OSError:\n        pass\nsocket.socket(16, socket.SOCK_RAW, 0)",
    "nobody else to end first where memory runs out": "result = int(open('/proc/self/oom_score_adj').read()) != 1000",
    "no descriptor but its own": DESCRIPTORS,
    "no limits of the first process": "import resource\ntry:\n    resource.prlimit(1, resource.RLIMIT_FSIZE, (1, 1))\n    result = 1\nexcept OSError:\n    result = 0\nresource.setrlimit(resource.RLIMIT_NOFILE, (99, 99))",
    "no scheduling of the first process": "import os\nresult = []\nfor name, change in {'affinity': lambda: os.sched_setaffinity(1, [0]), 'policy': lambda: os.sched_setscheduler(1, os.SCHED_BATCH, os.sched_param(0)), 'nice': lambda: os.setpriority(os.PRIO_PROCESS, 1, 5), 'nice of all': lambda: os.setpriority(os.PRIO_USER, 0, 5)}.items():\n    try:\n        change()\n        result.append(name)\n    except OSError:\n        pass\nos.nice(1); os.sched_setaffinity(0, os.sched_getaffinity(0))",
    "no lease that keeps others from a file": "import fcntl\ntry:\n    fcntl.fcntl(open('/tmp/f', 'w+'), 1024, fcntl.F_WRLCK)\n    result = 1\nexcept OSError:\n    result = 0",
    "no urgent byte": "import socket\none, other = socket.socketpair()\none.send(b'x')\ntry:\n    one.send(b'x', socket.MSG_OOB)\n    result = 1\nexcept OSError:\n    result = 0",
    "no protocol but TCP and UDP": "import socket\nresult = []\nfor protocol in range(300):\n    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):\n        try:\n            socket.socket(socket.AF_INET, kind, protocol).close()\n            result.append(protocol)\n        except OSError:\n            pass\nresult = sorted(set(result) - {0, 6, 17})",
    "no shared pages of a socket": "import socket\ntry:\n    socket.socket().setsockopt(socket.SOL_SOCKET, 60, 1)\n    result = 1\nexcept OSError:\n    result = 0",
    "no filter of its own by a number with high bits": f"import ctypes, struct\nallow = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7FFF0000))\nprogram = ctypes.create_string_buffer(struct.pack('HP', 1, ctypes.addressof(allow)))\nresult = ctypes.CDLL(None).syscall(*map(ctypes.c_ulong, ({PRCTL}, 1 << 32 | 22, 2, ctypes.addressof(program), 0, 0))) == 0",
    "no ptrace": "import ctypes; result = ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0",
    "no raw socket": "import socket\ntry:\n    socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\n    result = 1\nexcept OSError:\n    result = 0",
    "no memory of the parent": "import os\ntry:\n    open(f'/proc/{os.getppid()}/mem', 'rb')\n    result = 1\nexcept OSError:\n    result = 0",
    "no solution in any import path": "import sys, os; result = [p for p in sys.path for f in ('solutions', 'tests/hidden') if os.path.exists(os.path.join(p, f))]",
}  # fmt: skip


@pytest.mark.parametrize("wall", WALLS)
def test_the_walls_of_bubblewrap_stand(walled: Callable[[str], Any], wall: str) -> None:
    """Each probe would find something true where a wall is missing."""
    found = walled(WALLS[wall])
    assert not found, f"{wall}: {found!r}"


def test_memory_is_limited(walled: Callable[[str], Any]) -> None:
    """More than the limit is a MemoryError inside, not the host's problem."""
    with pytest.raises(Failed, match="MemoryError"):
        walled("bytearray(4 << 30)")


def test_processes_are_limited(walled: Callable[[str], Any]) -> None:
    """A fork bomb ends at the limit."""
    code = "import os, signal\nn = 0\ntry:\n    while n < 500:\n        if os.fork() == 0:\n            signal.pause()\n        n += 1\nexcept OSError:\n    pass\nresult = n"
    assert 0 < walled(code) < 100


def test_disk_is_limited(walled: Callable[[str], Any]) -> None:
    """Every writable place is a small tmpfs."""
    code = """
import errno, os
result = []
for home in ("/tmp", "/state", "/dev/shm"):
    written = 0
    try:
        for number in range(10):
            with open(f"{home}/{number}", "wb") as file:
                for _ in range(32):
                    written += file.write(bytes(1 << 20))
    except OSError as error:
        result.append(error.errno == errno.ENOSPC and written <= 64 << 20)
"""
    assert walled(code) == [True, True, True]


def test_output_beyond_the_cap_is_dropped_and_the_run_goes_on() -> None:
    """What was printed costs nothing; the note says how much is missing."""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=5, output_kb=64))
    with BubblewrapSandbox(setup) as sandbox:
        consumer = Consumer(Lab(sandbox))
        much = "print('start')\nfor _ in range(2000): print('x' * 1000)\nprint('end'); result = 7"
        assert consumer.process().call("sample.run", much) == 7
        consumer.close()
        sandbox.output.close()
        assert len(sandbox.output.tail) == 4096
        assert "end" not in sandbox.output.tail
        dropped = 6 + 2000 * 1001 + 4 - 64 * 1024
        assert sandbox.output.dropped == dropped
        assert sandbox.output.note == (
            "[the first 64 KB of what was printed were kept; "
            f"{-(-dropped // 1024)} KB more were dropped]"
        )


def test_who_prints_for_ever_costs_the_grader_little() -> None:
    """It times out as anybody who does nothing, and reading what it prints takes little time."""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=2, output_kb=64))
    with BubblewrapSandbox(setup) as sandbox:
        consumer = Consumer(Lab(sandbox))
        before = time.process_time()
        with pytest.raises(Failed, match="for 2 s it did not"):
            consumer.process().call("sample.run", "while True: print('x' * 100_000)")
        assert time.process_time() - before < 0.5
        consumer.close()
