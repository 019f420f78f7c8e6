"""Exercise 01, as it was handed in: stores the offset after each event."""

import json
import os
import time


def read_new_events(path, offset):
    found = list(lines(path, offset))
    events = [event for event, _ in found if event is not None]
    if found:
        return events, found[-1][1]
    return events, start(path, offset)


def start(path, offset):
    try:
        return offset if os.path.getsize(path) >= offset else 0
    except FileNotFoundError:
        return 0


def lines(path, offset):
    offset = start(path, offset)
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                break
            offset += len(line)
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            yield (event if isinstance(event, dict) else None), offset


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    handled = 0
    offset = load(offset_path)
    for number in range(max_polls):
        if number > 0:
            sleep(poll_interval)
        if start(path, offset) != offset:
            offset = 0
            save(offset_path, offset)
        for event, end in lines(path, offset):
            if event is not None:
                handle(event)
                handled += 1
            offset = end
            save(offset_path, offset)
    return handled


def load(offset_path):
    try:
        with open(offset_path) as file:
            return int(file.read() or 0)
    except (TypeError, FileNotFoundError):
        return 0


def save(offset_path, offset):
    if offset_path is not None:
        with open(f"{offset_path}.new", "w") as file:
            file.write(str(offset))
        os.replace(f"{offset_path}.new", offset_path)
