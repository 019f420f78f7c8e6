"""The system inside a sandbox is the system outside: the same programs do the same."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from lab import Lab

from grader.course import Limits
from grader.sandbox.base import Sandbox
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.suite.consumer import Consumer

CODE = b"""\
import os, subprocess, tempfile

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/tmp"}

def shell(command):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, shell=True, cwd=folder, env=ENVIRONMENT, timeout=20,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.stdout, done.stderr, done.returncode

def run(code):
    space = {}
    exec(code, space)
    return space["result"]
"""
COMMANDS = (
    "printf 'b\\na\\nb\\n' | sort | uniq -c",
    "printf '1 2\\n3 4\\n' | awk '{ s += $2 } END { print s }'",
    "echo abc | sed -u 's/b/x/'",
    "printf 'one\\ntwo\\n' | grep -n --line-buffered w",
    "printf 'line\\n' > f; timeout 0.5 stdbuf -oL tail -n +1 -F f",
    "printf '1\\n2\\n3\\n' > f; tail -n 1 f; head -c 2 f; wc -l < f; cut -c1 f",
    "mkfifo p; (echo through > p &) ; cat p",
    "seq 3 | xargs -n1 echo | tee f | tr 1 x; cat f",
    "find . -type f; stat -c %F .; test -d /etc && echo yes; env | grep ^LANG",
    "bash -c 'cat <(echo substituted)'",
    "sh -c 'trap \"echo trapped\" TERM; kill $$; echo on'",
    "nohup true; nice -n 5 true; setsid echo session; flock f echo locked",
    "date -u -d @0 +%FT%T; TZ=Asia/Tokyo date -d @0 +%H%z",
    "locale -a | grep -i c.utf; printf '\\303\\251' | wc -m",
    "mktemp -u /tmp/XX >/dev/null; echo $?; readlink -f /bin/sh; which awk sed tail",
    "getent hosts localhost | grep -c localhost; getent services https; getent protocols tcp",
    "perl -e 'print 6 * 7'; xxd --version 2>/dev/null | head -1; od -c /dev/null",
    "no-such-program",
    "cat /no/such/file; exit 3",
    "script -qec 'echo in a terminal' /dev/null",
)
MODULES = {
    "spawn": "import multiprocessing as m\np = m.get_context('spawn').Process(target=int)\np.start(); p.join(); result = p.exitcode",
    "forkserver": "import multiprocessing as m\np = m.get_context('forkserver').Process(target=int)\np.start(); p.join(); result = p.exitcode",
    "pool": "from multiprocessing import get_context\nwith get_context('spawn').Pool(2) as p: result = p.map(abs, [-1, 2])",
    "queue": "import multiprocessing as m\nm = m.get_context('fork'); q = m.Queue(); p = m.Process(target=q.put, args=(3,)); p.start(); result = q.get(); p.join()",
    "lock": "import multiprocessing as m\nlock = m.Lock(); lock.acquire(); result = lock.acquire(timeout=0.01)",
    "shared memory": "from multiprocessing.shared_memory import SharedMemory as S\ns = S(create=True, size=9); s.buf[0] = 7; t = S(s.name); result = t.buf[0]; t.close(); s.close(); s.unlink()",
    "executor": "from concurrent.futures import ProcessPoolExecutor as P\nwith P(2) as p: result = list(p.map(abs, [-1, 2]))",
    "asyncio": "import asyncio\nasync def f():\n    p = await asyncio.create_subprocess_exec('echo', 'x', stdout=-1)\n    return (await p.communicate())[0]\nresult = asyncio.run(f())",
    "zoneinfo": "import zoneinfo, datetime\nresult = str(datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo('America/New_York')).utcoffset()), len(zoneinfo.available_timezones()) > 400",
    "local time": "import time\nresult = list(time.tzname), time.strftime('%H:%M %Z', time.localtime(0))",
    "locale": "import locale, sys\nresult = locale.setlocale(locale.LC_ALL, 'C.UTF-8'), sys.getfilesystemencoding()",
    "users": "import os, pwd, grp, pathlib\nme = pwd.getpwuid(os.getuid()); result = bool(me.pw_name), grp.getgrgid(os.getgid()).gr_gid == os.getgid(), pwd.getpwnam('root').pw_uid",
    "names": "import socket\nresult = socket.gethostbyname('localhost'), socket.getservbyname('https'), socket.getprotobyname('tcp'), bool(socket.gethostbyname(socket.gethostname()))",
    "descriptors": "import os\nr, w = os.pipe(); open(f'/dev/fd/{w}', 'w').write('x'); result = os.read(r, 9), open('/dev/stdin').read(), open('/dev/stdout', 'w').write('o'), os.path.exists('/dev/stderr')",
    "terminal": "import os, pty\nm, s = pty.openpty(); os.write(s, b'x'); result = os.read(m, 9), os.isatty(s)",
    "temporary files": "import tempfile\nwith tempfile.NamedTemporaryFile() as f, tempfile.TemporaryFile() as g: f.write(b'x'); result = f.tell()",
    "inotify": "import ctypes, os, tempfile\nlibc = ctypes.CDLL(None); fd = libc.inotify_init1(0)\nwith tempfile.TemporaryDirectory() as d:\n    libc.inotify_add_watch(fd, d.encode(), 0x100); open(d + '/new', 'w'); result = b'new' in os.read(fd, 4096)",
    "libraries": "import ctypes.util\nresult = ctypes.util.find_library('c'), ctypes.util.find_library('m')",
    "mime types": "import mimetypes\nresult = mimetypes.guess_type('a.ndjson'), mimetypes.guess_type('a.csv')",
    "imports": "import importlib\nresult = []\nfor name in ('bz2', 'curses', 'dbm', 'decimal', 'fcntl', 'lzma', 'mmap', 'readline', 'resource', 'select', 'sqlite3', 'ssl', 'termios', 'uuid', 'zlib'):\n    try:\n        importlib.import_module(name); result.append(name)\n    except ImportError:\n        pass",
    "a database": "import sqlite3, tempfile, os\nwith tempfile.TemporaryDirectory() as d:\n    c = sqlite3.connect(d + '/x'); c.execute('PRAGMA journal_mode=WAL'); c.execute('CREATE TABLE t(a)'); c.commit(); result = sorted(os.listdir(d))[0]; c.close()",
    "interpreter": "import subprocess, sys\nresult = subprocess.run([sys.executable, '-c', 'import json; print(json.dumps([1]))'], capture_output=True, text=True).stdout",
}  # fmt: skip


def started(kind: type[Sandbox]) -> Iterator[Consumer]:
    """A consumer in a sandbox of that kind."""
    with kind(Setup(files={"sample.py": CODE}, limits=Limits(seconds=30))) as sandbox:
        consumer = Consumer(Lab(sandbox))
        yield consumer
        consumer.close()


@pytest.fixture(scope="module")
def inside() -> Iterator[Consumer]:
    """Behind the walls."""
    yield from started(BubblewrapSandbox)


@pytest.fixture(scope="module")
def outside() -> Iterator[Consumer]:
    """Without them."""
    yield from started(ProcessSandbox)


def both(inside: Consumer, outside: Consumer, function: str, argument: str) -> tuple[Any, Any]:
    """What a call returns inside and outside."""
    found = [each.process().call(f"sample.{function}", argument) for each in (inside, outside)]
    return found[0], found[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_the_same(inside: Consumer, outside: Consumer, command: str) -> None:
    """Output, errors and exit code."""
    found, wanted = both(inside, outside, "shell", command)
    assert found == wanted


@pytest.mark.parametrize("name", MODULES)
def test_a_module_does_the_same(inside: Consumer, outside: Consumer, name: str) -> None:
    """What a snippet that uses it comes to."""
    found, wanted = both(inside, outside, "run", MODULES[name])
    assert found == wanted


def test_the_interpreter_is_the_same(inside: Consumer, outside: Consumer) -> None:
    """Its version, and what it was started as."""
    found, wanted = both(inside, outside, "run", "import sys; result = sys.version")
    assert found == wanted == sys.version
