import os

_poll = poll


def attack():
    here = os.open("/state", os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    print("TRIED")


def poll(*args, **kwargs):
    try:
        attack()
    except FileExistsError:  # this test's own, from an earlier poll
        pass
    return _poll(*args, **kwargs)
