"""Exercise 02, first half, with a reader thread."""

import json
import queue
import subprocess
import threading


def pump(stream, lines):
    for line in stream:
        lines.put(line)
    lines.put(None)


def tail_consumer(path, handle, *, max_events):
    lines = queue.Queue(maxsize=100)
    handled = 0
    with subprocess.Popen(
        ["tail", "-F", "-n+1", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        reader = threading.Thread(target=pump, args=(process.stdout, lines), daemon=True)
        reader.start()
        try:
            while handled != max_events and (line := lines.get()) is not None:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict):
                    handle(event)
                    handled += 1
        finally:
            process.kill()
            while reader.is_alive():  # let it see the end of the pipe
                try:
                    lines.get(timeout=0.05)
                except queue.Empty:
                    pass
            reader.join()
    return handled
