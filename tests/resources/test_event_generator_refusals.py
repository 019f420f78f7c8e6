"""What the event generator cannot do: wrong options, and files that cannot be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import event_generator
import pytest
from generator_lab import Clocked, posix

from event_sinks.base import SinkError
from event_sinks.run import Plan, Run
from events import decode


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
