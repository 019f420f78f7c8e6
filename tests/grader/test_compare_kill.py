"""The kill between `handle` and the acknowledgement falls exactly there, in real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys, threading
from functools import partial
from grader.compare.processes.kill import kill_at_return

seen = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def handle(number):
    if number == 3:
        kill_at_return()
    os.write(seen, b"handling %d\\n" % number)
    os.write(seen, b"handled %d\\n" % number)

def acknowledge(number):
    os.write(seen, b"acknowledged %d\\n" % number)

{consumer}
"""

CONSUMERS = {
    "the next line": """
for number in range(1, 6):
    handle(number)
    acknowledge(number)
""",
    "the same line": """
for number in range(1, 6):
    handle(number), acknowledge(number)
""",
    "finally": """
for number in range(1, 6):
    try:
        handle(number)
    finally:
        acknowledge(number)
""",
    "a with block": """
class Acknowledging:
    def __init__(self, number):
        self.number = number
    def __enter__(self):
        pass
    def __exit__(self, *_):
        acknowledge(self.number)

for number in range(1, 6):
    with Acknowledging(number):
        handle(number)
""",
    "a generator": """
def deliveries():
    for number in range(1, 6):
        yield number
        acknowledge(number)

for number in deliveries():
    handle(number)
""",
    "called from C": """
for number in range(1, 6):
    list(map(partial(handle), [number]))
    acknowledge(number)
""",
    "a thread": """
for number in range(1, 6):
    worker = threading.Thread(target=lambda: (handle(number), acknowledge(number)))
    worker.start()
    worker.join()
""",
}


@pytest.mark.parametrize("consumer", CONSUMERS.values(), ids=CONSUMERS)
def test_what_handle_did_is_done_and_nothing_after_it(tmp_path: Path, consumer: str) -> None:
    """However the consumer goes on after `handle`, it does not: SIGKILL, not an exception."""
    seen = tmp_path / "seen"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(consumer=consumer), str(seen)],
        cwd=Path(__file__).resolve().parents[2],
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert seen.read_text().split("\n")[-2] == "handled 3"
    assert seen.read_text().count("acknowledged") == 2
