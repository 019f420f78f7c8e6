import os
import signal

_poll = poll


def poll(path, handle, **kwargs):
    print("TRIED", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    def twice(event):
        child = os.fork()
        handle(event)
        if child == 0 and os.fork() == 0:
            handle(event)

    return _poll(path, twice, **kwargs)
