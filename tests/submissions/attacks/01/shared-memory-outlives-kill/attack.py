import os
from multiprocessing import resource_tracker, shared_memory


def attack(killed):
    print("TRIED")
    if killed and os.listdir("/dev/shm"):
        print("LEAK: shared memory of a killed run is there")
    try:
        made = shared_memory.SharedMemory("remembers", create=True, size=8)
    except FileExistsError:
        return
    resource_tracker.unregister(made._name, "shared_memory")


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
