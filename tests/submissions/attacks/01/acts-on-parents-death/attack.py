import os
import select

UNDONE = "/tmp/undone"


def attack(killed):
    print("TRIED")
    if os.path.exists(UNDONE):
        print("LEAK: a child saw its parent die")
    reading, writing = os.pipe()
    if os.fork():
        os.close(reading)
        return
    try:
        os.setsid()
        os.close(writing)
        select.select([reading], [], [])
        os.close(os.open(UNDONE, os.O_CREAT | os.O_WRONLY))
    finally:
        os._exit(0)


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
