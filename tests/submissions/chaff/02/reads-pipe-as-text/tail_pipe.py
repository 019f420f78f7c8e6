from __future__ import annotations
import json
import os
import subprocess


def parse(line):
    try:
        event = json.loads(line.encode("utf-8", "surrogateescape").decode("utf-8"))
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def tail_consumer(path, handle, *, max_events):
    count = 0
    tail = subprocess.Popen(
        ["tail", "-n", "+1", "-s", "0.2", "-F", os.fspath(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
    )
    try:
        for line in tail.stdout:
            event = parse(line)
            if event is None:
                continue
            handle(event)
            count += 1
            if count >= max_events:
                break
    finally:
        tail.kill()
        tail.stdout.close()
        tail.wait()
    return count
