"""The event generator's command line: what it prints, when it sends, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import event_generator
import pytest

from event_sinks import run as event_run
from event_sinks.base import Sink, SinkError
from event_sinks.run import Plan, Run
from events import decode

SINKS = ("file", "socket", "redis", "rabbitmq", "sqs", "streams", "kafka")
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")


def without_timestamps(path: Path) -> list[dict[str, Any]]:
    """The events of a file, without what the seed does not decide."""
    return [
        decode(line).model_dump(exclude={"timestamp"}) for line in path.read_bytes().splitlines()
    ]


def test_the_file_sink_writes_and_tells(generator, tmp_path: Path) -> None:
    """A start line with sink, interval and count, a line an event, an end line; valid events."""
    done = generator.run("file", "--path", "trips.jsonl", "--interval", 0.01, "--count", 3)
    assert done.stdout.splitlines() == [
        "[file] Sending 3 events to trips.jsonl, one every 0.01 s.",
        "[file] Wrote event 1/3",
        "[file] Wrote event 2/3",
        "[file] Wrote event 3/3",
        "[file] Done: 3 events sent.",
    ]
    assert (done.returncode, done.stderr) == (0, "")
    written = (tmp_path / "trips.jsonl").read_bytes()
    assert written.endswith(b"\n")
    times = [decode(line).timestamp for line in written.splitlines()]
    assert len(times) == 3
    assert times == sorted(times)


def test_quiet_leaves_out_the_events(generator) -> None:
    """--quiet keeps the first and the last line; one event is not called events."""
    done = generator.run("file", "--interval", 0, "--quiet", "--count", 1)
    assert done.stdout.splitlines() == [
        "[file] Sending 1 event to taxi_events.jsonl, as fast as possible.",
        "[file] Done: 1 event sent.",
    ]


def test_the_file_is_appended_to(generator, tmp_path: Path) -> None:
    """What was in the file stays, and the new lines come after it."""
    path = tmp_path / "trips.jsonl"
    path.write_text("first\n")
    generator.run("file", "--path", path, "--interval", 0, "--count", 2)
    lines = path.read_bytes().splitlines()
    assert lines[0] == b"first"
    assert len([decode(line) for line in lines[1:]]) == 2


def test_full_speed_writes_the_same_events(generator, tmp_path: Path) -> None:
    """The seed decides the events, whether they are written one by one or in blocks."""
    slow, fast = tmp_path / "slow", tmp_path / "fast"
    common = ("--seed", 7, "--count", 2_345, "--interval", 0)
    generator.run("file", "--path", slow, *common)
    generator.run("file", "--path", fast, *common, "--quiet")
    assert len(without_timestamps(fast)) == 2_345
    assert without_timestamps(slow) == without_timestamps(fast)


def test_without_a_seed_every_run_differs(generator, tmp_path: Path) -> None:
    """Nothing to learn by heart."""
    for name in ("one", "two"):
        generator.run("file", "--path", name, "--interval", 0, "--count", 20)
    assert without_timestamps(tmp_path / "one") != without_timestamps(tmp_path / "two")


# When -------------------------------------------------------------------------------


class Clocked(Sink):
    """A sink that takes time to send, on a clock of its own."""

    done = "Took"
    target = "nowhere"

    def __init__(self, cost: Callable[[int], float]) -> None:
        self.now = 1_000.0
        self.sent_at: list[float] = []
        self._cost = cost

    def send(self, lines: bytes) -> None:
        self.sent_at.append(self.now - 1_000)
        self.now += self._cost(len(self.sent_at))

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def close(self) -> None:
        pass


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[float]]:
    """`clocked(cost, interval)`: when each of ten events was sent, from the start."""

    def send(cost: Callable[[int], float], interval: float) -> list[float]:
        sink = Clocked(cost)
        monkeypatch.setattr(event_run, "time", SimpleNamespace(monotonic=lambda: sink.now))
        Run("file", sink, Plan(interval=interval, count=10, seed=None, quiet=True)).go()
        return sink.sent_at

    return send


def test_the_schedule_does_not_drift(clocked) -> None:
    """Event k is sent k intervals after the first, although sending takes time."""
    assert clocked(lambda k: 0.25, 1.0) == pytest.approx(range(10))


def test_a_delay_is_made_up_for(clocked) -> None:
    """After one event that took 3.5 intervals, the schedule of the start holds again."""
    sent = clocked(lambda k: 3.5 if k == 2 else 0.0, 1.0)
    assert sent == pytest.approx([0, 1, 4.5, 4.5, 4.5, 5, 6, 7, 8, 9])


# Ctrl-C -----------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("count", [0, 50])
def test_ctrl_c_ends_a_wait_with_the_count(generator, tmp_path: Path, count: int) -> None:
    """Ctrl-C while it waits for the next event: at once, exit 130, the number it got to."""
    path = tmp_path / "trips.jsonl"
    of = f"/{count}" if count else ""
    with generator.start("file", "--path", path, "--interval", 600, "--count", count) as process:
        assert process.stdout is not None
        assert "600 s" in process.stdout.readline()
        assert process.stdout.readline() == f"[file] Wrote event 1{of}\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert out == f"[file] Stopped by Ctrl-C after 1{' of 50 events' if count else ' event'}.\n"
    assert (process.returncode, err) == (130, "")


@posix
def test_ctrl_c_at_full_speed_counts_exactly(generator, tmp_path: Path) -> None:
    """What the last line says was written is what the file holds, in whole lines."""
    path = tmp_path / "trips.jsonl"
    with generator.start("file", "--path", path, "--interval", 0, "--quiet") as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith("as fast as possible, until Ctrl-C.\n")
        while not path.exists() or path.stat().st_size < 500_000:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    found = re.fullmatch(r"\[file\] Stopped by Ctrl-C after (\d+) events\.\n", out)
    assert found, out + err
    data = path.read_bytes()
    assert data.count(b"\n") == int(found[1])
    assert data.endswith(b"}\n")
    assert (process.returncode, err) == (130, "")


@pytest.mark.parametrize(("interruptible", "sent"), [(False, 1), (True, 0)])
def test_ctrl_c_while_sending(*, interruptible: bool, sent: int) -> None:
    """A send that cannot block is finished and counted first; one that can is broken off."""

    class Interrupted(Clocked):
        def send(self, lines: bytes) -> None:
            signal.raise_signal(signal.SIGINT)
            super().send(lines)

    sink = Interrupted(lambda k: 0.0)
    sink.interruptible = interruptible
    run = Run("file", sink, Plan(interval=0, count=5, seed=None, quiet=True))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run.go()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert run.sent == len(sink.sent_at) == sent


@posix
def test_ctrl_c_breaks_into_a_pipe_that_nobody_reads(generator, tmp_path: Path) -> None:
    """A named pipe is a path too, but writing to it may block for ever."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with generator.start("file", "--path", path, "--interval", 0, "--quiet") as process:
            assert process.stdout is not None
            process.stdout.readline()
            # A block is larger than a pipe: once its first byte is here, the write waits.
            os.set_blocking(reader, True)
            assert os.read(reader, 1) == b"{"
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
    finally:
        os.close(reader)
    assert out.startswith("[file] Stopped by Ctrl-C after ")
    assert (process.returncode, err) == (130, "")


@posix
def test_in_the_background_it_ignores_ctrl_c(generator, tmp_path: Path) -> None:
    """Started with SIGINT ignored, as by `... &` in a script, it goes on to its end."""
    path = tmp_path / "trips.jsonl"
    options = ("--path", path, "--interval", 0, "--quiet", "--count", 200_000)
    with generator.start("file", *options, on_ctrl_c=signal.SIG_IGN) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (out, err) == ("[file] Done: 200000 events sent.\n", "")


@posix
def test_a_reader_that_leaves_ends_it_quietly(generator) -> None:
    """`event_generator.py ... | head -1` shows no traceback."""
    with generator.start("file", "--interval", 0) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.wait(timeout=30)
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 1


# Refusals ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (".", "is a folder. Give --path the name of a file."),
        ("missing/trips.jsonl", "There is no folder missing. Create it, then run this again."),
    ],
)
def test_a_path_that_cannot_be_written(generator, path: str, says: str) -> None:
    """One line that names the path and the way out, exit 1, and nothing sent."""
    done = generator.run("file", "--path", path, "--count", 1)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("[file] ")
    assert done.stderr.endswith(f"{says}\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no such permissions")
def test_a_file_without_permission(generator, tmp_path: Path) -> None:
    """The system's reason is passed on; root, who may write anything, reads another's."""
    if os.geteuid() == 0:
        path, reason = Path("/proc/trips.jsonl"), "No such file or directory"
    else:
        path, reason = tmp_path / "trips.jsonl", "Permission denied"
        path.touch(0o400)
    done = generator.run("file", "--path", path, "--count", 1)
    assert done.stderr == f"[file] Cannot write {path}: {reason}. Choose another --path.\n"
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_disk_that_fills_up(generator) -> None:
    """A write that fails later says how far it got, in the same one line."""
    done = generator.run("file", "--path", "/dev/full", "--count", 5)
    assert done.stderr == (
        "[file] Cannot write /dev/full: No space left on device. Choose another --path. "
        "Stopped after 0 of 5 events.\n"
    )
    assert done.returncode == 1


@posix
def test_a_file_that_may_grow_no_more(generator, tmp_path: Path) -> None:
    """The last line is a whole one, and as many are counted as are there, also within a block."""
    path = tmp_path / "trips.jsonl"
    options = ["file", "--path", str(path), "--interval", "0", "--quiet", "--count", "5000"]
    done = subprocess.run(
        [
            "sh",
            "-c",
            'ulimit -f 128; exec "$@"',
            "sh",
            sys.executable,
            event_generator.__file__,
            *options,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = path.read_bytes().splitlines(keepends=True)
    assert all(decode(line) for line in lines)
    assert lines[-1].endswith(b"\n")
    assert len(lines) % 1000, "the limit should lie within a block"
    assert done.stderr == (
        f"[file] Cannot write {path}: File too large. Choose another --path. "
        f"Stopped after {len(lines)} of 5000 events.\n"
    )
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["file", "--interval", "-1"], "--interval"),
        (["file", "--interval", "nan"], "--interval"),
        (["file", "--interval", "inf"], "--interval"),
        (["file", "--interval", "soon"], "--interval"),
        (["file", "--count", "-1"], "--count"),
        (["file", "--count", "1.5"], "--count"),
        (["file", "--seed", "x"], "--seed"),
        (["file", "--queue", "x"], "--queue"),
        (["socket", "--port", "0"], "--port"),
        (["socket", "--port", "65536"], "--port"),
        (["socket", "--host", ""], "--host"),
        (["redis", "--channel", ""], "--channel"),
        (["rabbitmq", "--queue", " "], "--queue"),
        (["sqs", "--queue", ""], "--queue"),
        (["streams", "--stream", " "], "--stream"),
        (["kafka", "--topic", " "], "--topic"),
        (["kafka", "--bootstrap-servers", ""], "--bootstrap-servers"),
        (["kinesis"], "kinesis"),
        (["file", "stray"], "stray"),
    ],
)
def test_wrong_options(generator, tmp_path: Path, arguments: list[str], says: str) -> None:
    """A usage error names the option, exits 2, and nothing was written."""
    done = generator.run(*arguments)
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


# Help -------------------------------------------------------------------------------


def test_help_shows_the_sinks_in_the_courses_order(generator) -> None:
    """--help lists the six sinks, with examples to type."""
    done = generator.run("--help")
    assert done.returncode == 0
    assert re.findall(r"^  (\w+) .*\(exercise", done.stdout, re.MULTILINE) == list(SINKS)
    assert "python resources/event_generator.py file --path" in done.stdout


@pytest.mark.parametrize("sink", SINKS)
def test_every_sink_has_help(generator, sink: str) -> None:
    """Each option of a sink is explained, with its default."""
    done = generator.run(sink, "--help")
    assert done.returncode == 0
    for option in ("--interval SECONDS", "--count N", "--seed N", "--quiet", "[default:"):
        assert option in done.stdout


def test_a_sink_loads_only_its_own_client() -> None:
    """Redis, pika and boto3 cost start-up time, and may not be installed."""
    code = (
        "import sys, event_generator as g\n"
        "g.main(['file', '--count', '1', '--path', sys.argv[1]], standalone_mode=False)\n"
        "print(*{m.split('.')[0] for m in sys.modules})"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code, os.devnull],
        cwd=Path(event_generator.__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "click" in loaded
    assert not {"redis", "pika", "boto3"} & set(loaded)


def test_the_sinks_error_is_not_the_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """What goes wrong while sending leaves with the number of events that were taken."""

    class Full(Clocked):
        def send(self, lines: bytes) -> None:
            if len(self.sent_at) == 2:
                raise SinkError("Full.")
            super().send(lines)

    run = Run("file", Full(lambda k: 0.0), Plan(interval=0, count=5, seed=None, quiet=False))
    with pytest.raises(SinkError, match="Full"):
        run.go()
    assert run.sent == 2
    assert capsys.readouterr().out == "[file] Took event 1/5\n[file] Took event 2/5\n"


def test_the_json_is_compact(generator, tmp_path: Path) -> None:
    """A line is plain JSON, so that any program reads it."""
    generator.run("file", "--path", "t", "--interval", 0, "--count", 1)
    line = (tmp_path / "t").read_text()
    assert json.dumps(json.loads(line), separators=(",", ":")) + "\n" == line
