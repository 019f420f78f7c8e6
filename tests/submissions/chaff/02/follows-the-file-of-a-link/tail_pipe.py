"""(value, err), as in Go."""

import json
import os
import subprocess


def start(path):
    argv = ["tail", "-n", "+1", "-F", "-s", "0.25", "--", os.path.realpath(path)]
    try:
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0), None
    except FileNotFoundError as err:
        return None, err


def unmarshal(line):
    try:
        value = json.loads(line)
    except ValueError as err:
        return None, err
    if not isinstance(value, dict):
        return None, TypeError("no object")
    return value, None


def read_lines(pipe, rest):
    chunk = pipe.read(1 << 16)
    if not chunk:
        return [], rest, EOFError()
    *lines, rest = (rest + chunk).split(b"\n")
    return lines, rest, None


def stop(tail):
    tail.kill()
    tail.wait()
    tail.stdout.close()


def tail_consumer(path, handle, *, max_events):
    tail, err = start(path)
    if err is not None:
        raise err
    handled, rest = 0, b""
    try:
        while True:
            lines, rest, err = read_lines(tail.stdout, rest)
            if err is not None:
                return handled
            for line in lines:
                event, err = unmarshal(line)
                if err is not None:
                    continue
                handle(event)
                handled += 1
                if handled == max_events:
                    return handled
    finally:
        stop(tail)
