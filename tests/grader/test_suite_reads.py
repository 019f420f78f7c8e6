"""Exercise 01 counts what is read of the stream; how a right submission reads is its own affair."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import verdicts

from grader.report import Outcome
from grader.sandbox.base import Sandbox
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.process import ProcessSandbox

REPO = Path(__file__).resolve().parents[2]
CHECK = "01.reads-only-new"
INTERPRETER = """

import subprocess, sys

def _size(path, offset):
    code = "import asyncio, email, http.client, json, os, pydoc, sys, unittest; print(os.stat(sys.argv[1]).st_size)"
    said = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    return said.stdout

_read = read_new_events

def read_new_events(path, offset):
    _size(path, offset)
    return _read(path, offset)
"""
"""Added to a solution: each read asks an interpreter of its own, whose imports are megabytes."""
EVERYTHING = """

_read = read_new_events

def read_new_events(path, offset):
    try:
        open(path, "rb").read()
    except OSError:
        pass
    return _read(path, offset)
"""


@pytest.mark.parametrize("kind", [ProcessSandbox, BubblewrapSandbox], ids=lambda kind: kind.kind)
def test_an_interpreter_of_ones_own_is_not_reading_the_stream(kind: type[Sandbox]) -> None:
    """It reads megabytes of modules, as often as it is started."""
    code = (REPO / "solutions/01/polling.py").read_text() + INTERPRETER
    found = verdicts("01", {"polling.py": code.encode()}, kind, {CHECK})
    assert found[CHECK].outcome is Outcome.PASSED, found[CHECK].message


def test_reading_the_whole_stream_is_seen() -> None:
    """In each call, next to the right one."""
    code = (REPO / "solutions/01/polling.py").read_text() + EVERYTHING
    found = verdicts("01", {"polling.py": code.encode()}, ProcessSandbox, {CHECK})
    assert found[CHECK].outcome is Outcome.FAILED
    assert "MB more than" in found[CHECK].message


MAPPED = """

import mmap

_poll = poll

def _map(path):
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            mapped.rfind(b"not there")
    except (OSError, ValueError):
        pass

def poll(path, handle, *, sleep=time.sleep, **kwargs):
    def pause(seconds):
        sleep(seconds)
        _map(path)
    return _poll(path, handle, sleep=pause, **kwargs)
"""
"""Added to a solution: each poll but the first goes through a mapping of the whole file."""


def test_a_poll_that_maps_the_whole_stream_is_seen() -> None:
    """No read counts it; that the pages lie in memory does."""
    code = (REPO / "solutions/01/polling.py").read_text() + MAPPED
    found = verdicts("01", {"polling.py": code.encode()}, BubblewrapSandbox, {CHECK})
    assert found[CHECK].outcome is Outcome.FAILED
    assert "through a mapping" in found[CHECK].message
