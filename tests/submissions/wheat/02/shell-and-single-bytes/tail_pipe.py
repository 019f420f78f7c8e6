"""Exercise 02, first half, with a pipeline of the shell's; it tells what it does."""

import json
import os
import signal
import subprocess

FOLLOW = 'stdbuf -oL tail -n +1 -F -- "$0" 2>/dev/null | sed -u "s/^//" | cat'


def tail_consumer(path, handle, *, max_events):
    # A session of its own, so that one signal ends the shell and all that it started.
    pipeline = subprocess.Popen(
        ["sh", "-c", FOLLOW, os.fspath(path)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    count = 0
    try:
        while count < max_events:
            line = pipeline.stdout.readline()
            print("line:", line)
            if not line:
                raise EOFError("the pipeline has ended")
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                handle(event)
                count += 1
    finally:
        os.killpg(pipeline.pid, signal.SIGKILL)
        pipeline.stdout.close()
        pipeline.wait()
    return count
