"""Exercise 02, first half, on the pipe's descriptor."""

import json
import os
import signal
import subprocess


def tail_consumer(path, handle, *, max_events):
    reading, writing = os.pipe()
    with open(os.devnull, "r+b") as null:
        child = subprocess.Popen(
            ["tail", "--lines=+1", "--follow=name", "--retry", "--", os.fspath(path)],
            stdin=null,
            stdout=writing,
            stderr=null,
        )
    os.close(writing)
    done = 0
    pending = bytearray()
    try:
        while done < max_events:
            data = os.read(reading, 8192)
            if not data:
                raise EOFError("tail has ended")
            pending += data
            while done < max_events and (end := pending.find(10)) >= 0:
                line = bytes(pending[:end])
                del pending[: end + 1]
                try:
                    value = json.loads(line)
                except (json.JSONDecodeError, UnicodeDecodeError):
                    continue
                if type(value) is dict:
                    handle(value)
                    done += 1
        return done
    finally:
        os.close(reading)
        child.send_signal(signal.SIGKILL)
        child.wait()
