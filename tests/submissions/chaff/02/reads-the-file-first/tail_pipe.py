"""Exercise 02, first half."""

import json
import os
import subprocess
from itertools import chain


def parse(line):
    try:
        event = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def tail_consumer(path, handle, *, max_events):
    old = []
    if os.path.exists(path):
        with open(path, "rb") as file:
            old = file.readlines()
    process = subprocess.Popen(
        ["tail", "-n", "0", "-F", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    count = 0
    try:
        for line in chain(old, process.stdout):
            event = parse(line)
            if event is None:
                continue
            handle(event)
            count += 1
            if count >= max_events:
                break
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    return count
