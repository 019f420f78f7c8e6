import json
import os
import subprocess
import time


def tail_consumer(path, handle, *, max_events):
    process = subprocess.Popen(
        ["tail", "-n", "+1", "-F", "-s", "0.2", "--", os.fspath(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    os.set_blocking(process.stdout.fileno(), False)
    handled = 0
    try:
        while handled < max_events:
            line = process.stdout.readline()
            if not line:
                if process.poll() is not None:
                    break
                time.sleep(0.02)
                continue
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                handle(event)
                handled += 1
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    return handled
