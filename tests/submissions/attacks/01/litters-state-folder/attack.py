import os

_poll = poll


def poll(*args, **kwargs):
    print("TRIED")
    try:
        for number in range(100_000):
            os.close(os.open(f"/state/{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except OSError:  # full, or this test's own from an earlier poll
        pass
    return _poll(*args, **kwargs)
