"""os.pipe, posix_spawnp, os.read, waitpid: no subprocess module."""

import json
import os
import signal


def _event(line):
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _spawn(path, write_end):
    command = ["tail", "-n", "+1", "-F", "-s", "0.2", "--", os.fspath(path)]
    actions = [
        (os.POSIX_SPAWN_DUP2, write_end, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    return os.posix_spawnp("tail", command, os.environ, file_actions=actions)


def tail_consumer(path, handle, *, max_events):
    read_end, write_end = os.pipe()
    try:
        try:
            child = _spawn(path, write_end)
        finally:
            os.close(write_end)
        try:
            handled, rest = 0, b""
            while chunk := os.read(read_end, 65536):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = _event(line)
                    if event is not None:
                        handle(event)
                        handled += 1
                        if handled == max_events:
                            return handled
            return handled
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(-1, 0)
    finally:
        os.close(read_end)
