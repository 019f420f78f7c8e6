"""Exercise 02, first half: a pipeline in a shell, ended as a group."""

import json
import os
import shlex
import signal
import subprocess


def tail_consumer(path, handle, *, max_events):
    command = f"tail -n +1 -F {shlex.quote(os.fspath(path))} 2>/dev/null | cat"
    shell = subprocess.Popen(command, shell=True, stdout=subprocess.PIPE, start_new_session=True)
    done = 0
    try:
        for raw in iter(shell.stdout.readline, b""):
            print("line:", raw[:60])
            try:
                event = json.loads(raw)
                assert isinstance(event, dict)
            except (ValueError, AssertionError):
                continue
            handle(event)
            done += 1
            if done >= max_events:
                return done
        return done
    finally:
        os.killpg(shell.pid, signal.SIGKILL)
        shell.stdout.close()
        shell.wait()
