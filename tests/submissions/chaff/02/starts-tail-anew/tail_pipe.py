import json
import os
import select
import subprocess


def _start(path, line):
    return subprocess.Popen(
        ["tail", "-n", f"+{line}", "-F", "-s", "0.2", "--", os.fspath(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    )


def _stop(process):
    process.kill()
    process.wait()
    process.stdout.close()


def tail_consumer(path, handle, *, max_events):
    lines_seen = handled = 0
    rest = b""
    process = _start(path, 1)
    try:
        while True:
            readable, _, _ = select.select([process.stdout], [], [], 1.0)
            if not readable:  # tail may hang: a fresh one
                _stop(process)
                rest = b""
                process = _start(path, lines_seen + 1)
                continue
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                return handled
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                lines_seen += 1
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if not isinstance(event, dict):
                    continue
                handle(event)
                handled += 1
                if handled == max_events:
                    return handled
    finally:
        _stop(process)
