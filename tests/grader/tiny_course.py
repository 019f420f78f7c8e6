"""A course small enough to read: one exercise with three checks, and submissions of every kind."""

from __future__ import annotations

from pathlib import Path

REPO = Path(__file__).resolve().parents[2]

MANIFEST = """\
format_version = 1
title = "A tiny course"

[limits]
seconds = 2
output_kb = 64

[[exercises]]
id = "01"
title = "Doubling"
files = ["doubling.py"]

[[exercises.checks]]
id = "01.value"
title = "the value is doubled"
points = 3
hint = "Twice as much."
concept = "A product of two factors."
lesson = "twice-is-two-times"
nearly = "`2 * number`"

[[exercises.checks]]
id = "01.each-event"
title = "handle gets every event"
points = 5
hint = "One call an event."

[[exercises.checks]]
id = "01.after-crash"
title = "the file survives a crash"
points = 2
hint = "Write aside."
requires = ["01.each-event"]
"""

SUITE = """\
import pytest

from grader.suite import HANDLE


@pytest.mark.check("01.value")
def test_value(consumer, rng):
    number = rng.randint(10, 99)
    value = consumer.process().call("doubling.double", number)
    assert value == 2 * number, f"double({number}) should be {2 * number}, it is {value}"


@pytest.mark.check("01.each-event")
def test_events(consumer, trips):
    events = trips(3)
    consumer.given("3 events were passed")
    seen = consumer.start("doubling.forward", events, HANDLE).drain()
    assert seen == events, f"3 events should be handled, {len(seen)} were"


@pytest.mark.check("01.after-crash")
def test_crash(consumer, state):
    consumer.process().call("doubling.store", state.path("x"), "old")
    run = consumer.process(stop_at_writes=True).start("doubling.store", state.path("x"), "new")
    run.next()
    run.go_on()
    run.next()
    run.kill()
    left = state.read("x")
    assert left in (b"old", b"new"), f"after a kill the file should hold old or new, it holds {left!r}"
"""

RIGHT = """\
import os


def double(number):
    return 2 * number


def forward(events, handle):
    for event in events:
        handle(event)
    return len(events)


def store(path, text):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)
"""

STUB = """\
def double(number):
    raise NotImplementedError("double it")


def forward(events, handle):
    raise NotImplementedError("call handle")


def store(path, text):
    raise NotImplementedError("write the file")
"""

LESSON = """\
# 01 Doubling

## Twice is two times
"""

PUBLIC_TEST = """\
import pytest
from doubling import double


@pytest.mark.check("01.value")
def test_double():
    assert double(2) == 4
"""

IN_PLACE = RIGHT.replace('path + ".new", "w"', 'path, "w"').replace(
    '    os.replace(path + ".new", path)\n', ""
)
"""RIGHT, but the file is truncated before it is written."""

ALL_CHECKS = ("01.value", "01.each-event", "01.after-crash")


def write_tiny_course(root: Path) -> Path:
    """The whole course in `root`, with one chaff a check."""
    hidden = root / "tests" / "hidden"
    files = {
        "course.toml": MANIFEST,
        "pyproject.toml": "[tool.pytest.ini_options]\n",
        "exercises/01/doubling.py": STUB,
        "exercises/01/test_doubling.py": PUBLIC_TEST,
        "exercises/01/README.md": LESSON,
        "exercises/conftest.py": (REPO / "exercises" / "conftest.py").read_text(),
        "solutions/01/doubling.py": RIGHT,
        "resources/readme.md": "nothing\n",
        "tests/hidden/01/test_doubling_hidden.py": SUITE,
    }
    chaffs = {
        "adds-two": ("01.value", RIGHT.replace("2 * number", "2 + number")),
        "drops-last": ("01.each-event", RIGHT.replace("in events:", "in events[:-1]:")),
        "in-place": ("01.after-crash", IN_PLACE),
    }
    for name, (check, code) in chaffs.items():
        folder = f"tests/submissions/chaff/01/{name}"
        files[f"{folder}/doubling.py"] = code
        files[f"{folder}/expected.toml"] = f'about = "one mistake"\nfails = "{check}"\n'
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (hidden / "conftest.py").write_text((REPO / "tests" / "hidden" / "conftest.py").read_text())
    return root


def add_submission(root: Path, student: str, code: str | bytes) -> None:
    """Put a file of `student`'s into `root`/subs, in the grader's layout."""
    folder = root / "subs" / student / "01"
    folder.mkdir(parents=True)
    data = code.encode() if isinstance(code, str) else code
    (folder / "doubling.py").write_bytes(data)
