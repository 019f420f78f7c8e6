"""Exercise 01 with the tools of a Unix shell."""

import json
import os
import subprocess
import time

STORE = 'echo "$1" > "$2.part" && mv "$2.part" "$2"'


def lines(path, offset):
    """The offset where reading began, and the complete lines from there."""
    if not os.path.isfile(path):
        return 0, []
    if os.path.getsize(path) < offset:
        offset = 0
    command = ["tail", "-c", f"+{offset + 1}", os.fspath(path)]
    data = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return offset, data.split(b"\n")[:-1]


def event_of(line):
    try:
        event = json.loads(line)
        return event if type(event) is dict else None
    except ValueError:
        return None


def read_new_events(path, offset):
    offset, found = lines(path, offset)
    return (
        [event for line in found if (event := event_of(line)) is not None],
        offset + sum(map(len, found)) + len(found),
    )


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    stored = offset = load(offset_path)
    count = 0
    while True:
        offset, found = lines(path, offset)
        if offset != stored:
            stored = store(offset_path, offset)
        try:
            for line in found:
                event = event_of(line)
                if event is not None:
                    handle(event)
                    count += 1
                offset += len(line) + 1
        finally:
            if offset != stored:
                stored = store(offset_path, offset)
        max_polls -= 1
        if not max_polls:
            return count
        sleep(poll_interval)


def load(offset_path):
    if not offset_path or not os.path.exists(offset_path):
        return 0
    text = subprocess.check_output(["cat", offset_path], text=True)
    return int(text) if text.strip() else 0


def store(offset_path, offset):
    if offset_path:
        subprocess.run(["sh", "-c", STORE, "store", str(offset), offset_path], check=True)
    return offset
