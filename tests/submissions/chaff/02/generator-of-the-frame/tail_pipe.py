"""Exercise 02, first half."""

import json
import subprocess


def tail_lines(path):
    process = subprocess.Popen(
        ["tail", "-n", "+1", "-F", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield from process.stdout
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def tail_consumer(path, handle, *, max_events):
    count = 0
    lines = tail_lines(path)
    for line in lines:
        try:
            event = json.loads(line.decode("utf-8"))
        except ValueError:
            continue
        if not isinstance(event, dict):
            continue
        handle(event)
        count += 1
        if count >= max_events:
            return count
    return count
