from __future__ import annotations
import json
import os
import time


def parse(line):
    try:
        event = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def complete(path, offset):
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        return 0, []
    with file:
        size = os.fstat(file.fileno()).st_size
        if size < offset:
            offset = 0
        file.seek(offset)
        data = file.read()
    found = []
    position = offset
    for line in data.split(b"\n")[:-1]:
        position += len(line) + 1
        found.append((parse(line), position))
    return offset, found


def read_new_events(path, offset):
    start, lines = complete(path, offset)
    events = [event for event, _ in lines if event is not None]
    return events, (lines[-1][1] if lines else start)


def load(offset_path):
    if offset_path is None:
        return 0
    try:
        with open(offset_path) as file:
            text = file.read().strip()
    except FileNotFoundError:
        return 0
    return int(text) if text else 0


def store(offset_path, offset):
    if offset_path is None:
        return
    if not os.path.exists(offset_path):
        open(offset_path, "w").close()
    with open(offset_path, "r+") as file:
        file.write(str(offset))


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    offset = load(offset_path)
    count = 0
    for number in range(max_polls):
        start, lines = complete(path, offset)
        if start != offset:
            offset = start
            store(offset_path, offset)
        for event, end in lines:
            if event is not None:
                handle(event)
                count += 1
            offset = end
            store(offset_path, offset)
        if number < max_polls - 1:
            sleep(poll_interval)
    return count
