import ctypes
import os
import signal

libc = ctypes.CDLL(None)
PR_SET_DUMPABLE, PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 4, 15, 36


tried = []


def attack():
    print("TRIED", flush=True)
    if tried:
        return  # more would meet the limit of processes, which is another attack's affair
    tried.append(True)
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    os.setsid()
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for name in (b"", b") Z 1 (", b"a\nb"):
        if os.fork() == 0:
            libc.prctl(PR_SET_NAME, name, 0, 0, 0)
            libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
            while True:
                signal.pause()
    os._exit(0)


_read, _poll = read_new_events, poll


def read_new_events(path, offset):
    attack()
    return _read(path, offset)


def poll(*args, **kwargs):
    attack()
    return _poll(*args, **kwargs)
