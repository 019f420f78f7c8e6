"""Exercise 02, first half."""

import json
import subprocess


def tail_consumer(path, handle, *, max_events):
    process = subprocess.Popen(
        ["tail", "-n", "+1", "-F", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    count = 0
    try:
        while count < max_events:
            line = process.stdout.readline()
            if not line:
                break
            event = parse(line)
            if event is None:
                continue
            handle(event)
            count += 1
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
    return count


def parse(line):
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
