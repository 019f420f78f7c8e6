"""The event generator is stopped, by Ctrl-C or by a reader that leaves: at once, and it counts."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
from generator_lab import Clocked, posix

from event_sinks.run import Plan, Run


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
