import ctypes
import os


def attack(killed):
    print("TRIED")
    if ctypes.CDLL("librt.so.1").mq_open(b"/remembers", os.O_CREAT | os.O_RDWR, 0o600, None) >= 0:
        print("LEAK: a queue was made")


_read, _poll = read_new_events, poll
UNDER_WAY = "/tmp/under-way"


def poll(*args, **kwargs):
    attack(killed=os.path.exists(UNDER_WAY))
    os.close(os.open(UNDER_WAY, os.O_CREAT | os.O_WRONLY))
    try:
        return _poll(*args, **kwargs)
    finally:
        os.unlink(UNDER_WAY)


def read_new_events(path, offset):
    print("TRIED")
    return _read(path, offset)
