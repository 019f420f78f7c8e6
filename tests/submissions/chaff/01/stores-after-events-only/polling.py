"""Exercise 01."""

import json
import os
import time


def read_new_events(path, offset):
    offset = start_of(path, offset)
    events = []
    for event, offset in lines_from(path, offset):
        if event is not None:
            events.append(event)
    return events, offset


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    offset = load(offset_path)
    count = 0
    for number in range(max_polls):
        if number > 0:
            sleep(poll_interval)
        start = start_of(path, offset)
        if start != offset:
            offset = start
            store(offset_path, offset)
        for event, end in lines_from(path, offset):
            if event is None:
                continue
            handle(event)
            count += 1
            offset = end
            store(offset_path, offset)
    return count


def start_of(path, offset):
    try:
        size = os.path.getsize(path)
    except FileNotFoundError:
        return 0
    return offset if offset <= size else 0


def lines_from(path, offset):
    """Pairs of an event (None for a bad line) and the offset behind its line."""
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield parse(line), offset


def parse(line):
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def load(offset_path):
    if offset_path is None or not os.path.exists(offset_path):
        return 0
    with open(offset_path) as file:
        text = file.read().strip()
    return int(text) if text else 0


def store(offset_path, offset):
    if offset_path is None:
        return
    temporary = f"{offset_path}.tmp"
    with open(temporary, "w") as file:
        file.write(str(offset))
    os.replace(temporary, offset_path)
