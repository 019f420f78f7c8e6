"""Where a process is stopped: before each change of a file, whatever makes it, and at lines."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator

import pytest
from lab import Lab

from grader.course import Limits
from grader.host.processes import runs
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.suite import Line, Returned, Write
from grader.suite.consumer import Consumer
from grader.suite.run import Run
from grader.worker.wire import Callback

CODE = b"""\
import ctypes, fcntl, mmap, os, platform, struct, subprocess, sys, threading

libc = ctypes.CDLL(None, use_errno=True)

def syscall(number, *args):
    ctypes.set_errno(0)
    return libc.syscall(number, *(ctypes.c_long(a) if isinstance(a, int) else a for a in args))

def run(code):
    space = dict(globals())
    exec(code, space)
    return space.get("result")

def events(items, handle):
    for item in items:
        handle(item)
"""


@pytest.fixture(params=[ProcessSandbox, BubblewrapSandbox], ids=lambda kind: kind.kind)
def consumer(request: pytest.FixtureRequest) -> Iterator[Consumer]:
    """The code above, in each kind of sandbox."""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))
    with request.param(setup) as sandbox:
        consumer = Consumer(Lab(sandbox))
        yield consumer
        consumer.close()


def stops(run: Run) -> list[str]:
    """Let it run to its end; the system calls before which it was held."""
    found = []
    while not isinstance(step := run.next(), Returned):
        assert isinstance(step, Write)
        found.append(step.syscall)
        run.go_on()
    return found


@pytest.mark.parametrize(
    "code",
    [
        "os.system(f'echo 7 > {path}')",
        "subprocess.run(f'echo 7 > {path}', shell=True)",
        "os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), 0); os.write(0, b'7')",
        "sys.stdout.flush(); os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), 1); print(7, flush=True)",
    ],
)
def test_a_write_through_any_descriptor_is_held(consumer: Consumer, code: str) -> None:
    """What the descriptor is counts: a shell writes into a file by standard output."""
    path = consumer.state.path("f")
    run = consumer.process(stop_at_writes=True).start("sample.run", f"path = {path!r}\n{code}")
    held = []
    while not isinstance(step := run.next(), Returned):
        assert isinstance(step, Write)
        held.append((step.syscall, consumer.state.read("f")))
        run.go_on()
    assert ("write", b"") in held, held
    assert consumer.state.read("f") in (b"7", b"7\n")


def test_what_goes_to_a_pipe_or_a_device_is_not_held(consumer: Consumer) -> None:
    """Neither of them is a file, whatever its number is."""
    code = """
read, write = os.pipe()
os.write(write, b"x")
os.dup2(write, 60)
os.write(60, b"x")
subprocess.run("echo 7 | cat", shell=True)
print("x", flush=True)
"""
    assert stops(consumer.process(stop_at_writes=True).start("sample.run", code)) == []


def test_a_shared_mapping_of_a_file_is_held(consumer: Consumer) -> None:
    """What changes the file later is no system call; a private mapping changes nothing."""
    path = consumer.state.path("f")
    consumer.state.write("f", b"0" * 8)
    code = f"""
with open({path!r}, "r+b") as file:
    mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_COPY)[:] = b"1" * 8
    mmap.mmap(os.open(file.name, os.O_RDONLY), 8, access=mmap.ACCESS_READ)
    mmap.mmap(-1, 8)[:] = b"1" * 8
    mmap.mmap(file.fileno(), 8)[:] = b"2" * 8
"""
    held = stops(consumer.process(stop_at_writes=True).start("sample.run", code))
    assert held.count("mmap") == 1
    assert consumer.state.read("f") == b"2" * 8


def test_a_kill_leaves_a_shell_that_cannot_write(consumer: Consumer) -> None:
    """What the process started is held too, and changes nothing after the kill."""
    path = consumer.state.path("f")
    run = consumer.process(stop_at_writes=True).start(
        "sample.run", f"os.system('echo 7 > {path}; echo 8 > {path}')"
    )
    while (step := run.next()) != Write("write"):
        assert isinstance(step, Write)
        run.go_on()
    run.kill()
    assert consumer.state.read("f") == b""


def test_lines_of_the_students_code_are_steps(consumer: Consumer) -> None:
    """Each line stands still before it runs; callbacks come in between, in order."""
    run = consumer.process(stop_at_lines=True).start("sample.events", [1, 2], Callback("handle"))
    lines = []
    events = run.drain(lambda step: lines.append(step.number) if isinstance(step, Line) else None)
    assert events == [1, 2]
    loop = next(n for n, line in enumerate(CODE.splitlines(), 1) if b"for item" in line)
    assert lines == [loop, loop + 1, loop, loop + 1, loop]


OPEN = "file = os.open(path, os.O_RDWR)\n"
SOURCE = OPEN + "source = os.open('/etc/passwd', os.O_RDONLY)\n"
WAYS = {
    "writev": OPEN + "os.writev(file, [b'7'])",
    "pwrite64": OPEN + "os.pwrite(file, b'7', 0)",
    "pwritev2": OPEN + "os.pwritev(file, [b'7'], 0, os.RWF_DSYNC)",
    "fallocate": OPEN + "os.posix_fallocate(file, 0, 100)",
    "ftruncate": OPEN + "os.ftruncate(file, 0)",
    "sendfile": SOURCE + "os.sendfile(file, source, 0, 3)",
    "copy_file_range": SOURCE
    + "try:\n    os.copy_file_range(source, file, 3)\nexcept OSError: pass",
    "splice": OPEN
    + "ends = os.pipe()\nos.write(ends[1], b'7')\n"
    + "libc.splice(ends[0], None, file, None, ctypes.c_size_t(1), 0)",
    "ioctl": SOURCE + "try:\n    fcntl.ioctl(file, 0x40049409, source)\nexcept OSError: pass",
    "renameat2": "libc.renameat2(-100, path.encode(), -100, (path + '2').encode(), 1)",
    "linkat": "file = os.open(os.path.dirname(path), os.O_RDWR | os.O_TMPFILE)\n"
    "os.link(f'/proc/self/fd/{file}', path + '2', src_dir_fd=0, follow_symlinks=True)",
    "mknodat": "os.mknod(path + '2', 0o100600)",
    "openat2": "syscall(437, -100, path.encode(), struct.pack('QQQ', os.O_RDWR, 0, 0), 24)",
    "mmap": OPEN + "mmap.mmap(file, 1, prot=mmap.PROT_READ)",
}
"""By system call; the last one may be made writable later, by mprotect(2)."""
BY = {
    "itself": "{}",
    "a thread": "def write():\n{indented}\nt = threading.Thread(target=write); t.start(); t.join()",
    "a child": "if os.fork() == 0:\n{indented}\n    os._exit(0)\nos.wait()",
}


@pytest.mark.parametrize("who", BY)
def test_every_way_to_change_a_file_is_held(consumer: Consumer, who: str) -> None:
    """Whatever the system call is and whoever makes it."""
    process = consumer.process(stop_at_writes=True)
    missed = []
    for number, (way, does) in enumerate(WAYS.items()):
        consumer.state.write(f"f{number}", b"0" * 8)
        indented = "\n".join(f"    {line}" for line in does.splitlines())
        code = BY[who].replace("{indented}", indented).replace("{}", does)
        path = f"path = {consumer.state.path(f'f{number}')!r}\n"
        if way not in stops(process.start("sample.run", path + code)):
            missed.append(way)
    assert not missed


def test_a_process_beside_cannot_write_in_place_of_the_one_that_is_stopped(
    consumer: Consumer,
) -> None:
    """An idle one ends, with its threads, before one begins whose writes are steps."""
    idle = consumer.process()
    idle.call("sample.run", "result = os.getpid()")
    pid = idle.pid
    consumer.process(stop_at_writes=True)
    assert not runs(pid)
    assert idle.call("sample.run", "result = 7") == 7
    assert idle.pid != pid


LOOK = """
texts = {}
for name in ("status", "mounts", "cmdline", "environ", "limits", "cgroup", "oom_score_adj"):
    texts[name] = open(f"/proc/self/{name}").read()
status = [line.split() for line in texts.pop("status").splitlines()]
counts = ("Seccomp:", "Seccomp_filters:", "NoNewPrivs:", "TracerPid:", "Threads:", "FDSize:")
links = sorted(os.readlink(f"/proc/self/fd/{n}").partition(":")[0] for n in range(4))
result = texts, [line for line in status if line[0] in counts], links, sys.gettrace()
"""
FILTERS = """
class Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))
allow = ctypes.byref(Program(1, struct.pack("HBBI", 6, 0, 0, 0x7FFF0000)))
number = {"x86_64": 317}.get(platform.machine(), 277)
result = []
for flags in (0, 8):  # the second asks for a listener, of which a process has one at the most
    result += [syscall(number, 1, flags, allow), ctypes.get_errno()]
result += [libc.prctl(22, 2, allow), ctypes.get_errno()]
"""


@pytest.mark.parametrize("look", [LOOK, FILTERS])
def test_a_run_does_not_see_whether_it_is_stopped_at_writes(look: str) -> None:
    """Neither in /proc nor by loading a filter of its own."""
    with BubblewrapSandbox(Setup(files={"sample.py": CODE})) as sandbox:
        consumer = Consumer(Lab(sandbox))
        plain = consumer.process().call("sample.run", look)
        stopped = consumer.process(stop_at_writes=True).call("sample.run", look)
        consumer.close()
    assert plain == stopped


REFUSED = {
    "setxattrat": "result = syscall(463, -100, path, 0, b'user.a', ctypes.create_string_buffer(16), 16)",
    "file_setattr": "result = syscall(469, -100, path, ctypes.create_string_buffer(24), 24, 0)",
    "not there yet": "result = syscall(999)",
    "io_setup": "result = syscall({'x86_64': 206}.get(platform.machine(), 0), 8, ctypes.byref(ctypes.c_ulong()))",
}


@pytest.mark.parametrize("call", REFUSED)
def test_a_system_call_that_nobody_has_looked_at_is_refused(call: str) -> None:
    """A newer kernel brings some that libseccomp has no name for; and asynchronous writes."""
    with BubblewrapSandbox(Setup(files={"sample.py": CODE})) as sandbox:
        consumer = Consumer(Lab(sandbox))
        code = f"path = b'/state/f'; open(path, 'w').close()\n{REFUSED[call]}"
        assert consumer.process().call("sample.run", code) == -1
        consumer.close()


def test_what_was_read_of_a_file_stays_known() -> None:
    """Advice to drop it from memory is passed over: the suite counts what lies there."""
    with BubblewrapSandbox(Setup(files={"sample.py": CODE})) as sandbox:
        sandbox.stream.write("trips", b"x" * 10 * mmap.PAGESIZE)
        consumer = Consumer(Lab(sandbox))
        code = f"""
file = os.open({sandbox.stream.path("trips")!r}, os.O_RDONLY)
os.read(file, 1 << 20)
os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
"""
        with sandbox.stream.opened("trips") as descriptor:
            os.fsync(descriptor)
        consumer.process().call("sample.run", code)
        with sandbox.stream.opened("trips") as descriptor:
            assert in_memory(descriptor, 10 * mmap.PAGESIZE) == 10
        consumer.close()


def in_memory(descriptor: int, size: int) -> int:
    """How many pages of a file lie in memory; see mincore(2)."""
    pages = (ctypes.c_char * (size // mmap.PAGESIZE))()
    with mmap.mmap(descriptor, size) as mapped:
        start = ctypes.c_char.from_buffer(mapped)
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.mincore(ctypes.byref(start), ctypes.c_size_t(size), pages) == 0
        del start
    return sum(page & 1 for page in pages.raw)


def test_a_number_that_no_process_can_have() -> None:
    """Whoever names a folder grader-99999999999-x stops nobody's grader with it."""
    assert runs(os.getpid())
    assert not runs(99_999_999_999)
