"""Exercise 01 in few words: the offset is what a link points to."""

from __future__ import annotations

import io
import itertools
import json
import os
import time
from typing import TypedDict


class Found(TypedDict):
    event: dict | None
    end: int


def find(path, offset):
    try:
        stream = io.FileIO(path)
    except FileNotFoundError:
        yield Found(event=None, end=0)
        return
    with io.BufferedReader(stream, 1 << 12) as file:
        end = offset if file.seek(0, 2) >= offset else 0
        yield Found(event=None, end=end)
        file.seek(end)
        for line in itertools.takewhile(lambda line: line[-1] == 0x0A, file):
            end += len(line)
            try:
                event = json.loads(str(line, "utf-8"))
            except ValueError:
                event = None
            yield Found(event=event if isinstance(event, dict) else None, end=end)


def read_new_events(path, offset):
    events = []
    for found in find(path, offset):
        if (event := found["event"]) is not None:
            events += [event]
        offset = found["end"]
    return events, offset


def bookmark(offset_path):
    """Yields the offset; what is sent to it is the next one."""
    try:
        offset = int(os.readlink(offset_path)) if offset_path else 0
    except OSError:  # absent, or an empty file and no link
        offset = 0
    while True:
        new = yield offset
        if new is not None and new != offset:
            offset = new
            if offset_path:
                os.symlink(str(offset), aside := f"{offset_path}.{os.getpid()}.{time.monotonic_ns()}")
                os.replace(aside, offset_path)


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    mark = bookmark(offset_path)
    offset, handled = next(mark), 0
    for turn in range(max_polls):
        turn and sleep(poll_interval)
        for found in find(path, offset):
            if (event := found["event"]) is not None:
                handle(event)
                handled += 1
            offset = found["end"]
            mark.send(offset)
    return handled
