import os
import resource


def attack():
    print("TRIED", flush=True)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        pass
    os.abort()


_read, _poll = read_new_events, poll


def read_new_events(path, offset):
    attack()
    return _read(path, offset)


def poll(*args, **kwargs):
    attack()
    return _poll(*args, **kwargs)
