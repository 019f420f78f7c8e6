"""The event generator's command line: the events that it writes, what it prints, and its help."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import event_generator
import pytest

from events import decode

SINKS = ("file", "socket", "redis", "rabbitmq", "sqs", "streams", "kafka")


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
    """Two runs write other events, so that none can be learned by heart."""
    for name in ("one", "two"):
        generator.run("file", "--path", name, "--interval", 0, "--count", 20)
    assert without_timestamps(tmp_path / "one") != without_timestamps(tmp_path / "two")


def test_the_json_is_compact(generator, tmp_path: Path) -> None:
    """A line is plain JSON, so that any program reads it."""
    generator.run("file", "--path", "t", "--interval", 0, "--count", 1)
    line = (tmp_path / "t").read_text()
    assert json.dumps(json.loads(line), separators=(",", ":")) + "\n" == line


def test_help_shows_the_sinks_in_the_courses_order(generator) -> None:
    """--help lists every sink in the order of its exercise, with examples to type."""
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
    """The others' clients cost start-up time, and may not be installed."""
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
    assert not {"redis", "pika", "boto3", "confluent_kafka"} & set(loaded)
