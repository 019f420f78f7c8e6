"""Exercise 02, first half."""

import json
import subprocess


def parse(line):
    try:
        event = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def tail_consumer(path, handle, *, max_events):
    process = subprocess.Popen(
        ["tail", "-n", "+1", "-F", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    count = 0
    try:
        for line in process.stdout:
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
