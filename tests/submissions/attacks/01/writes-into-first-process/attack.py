import os
import resource
import signal


def attack():
    print("TRIED")
    for name in ("mem", "maps", "environ", "auxv", "fd/0", "fd/1", "fd/2", "fd/3", "cwd/x", "root/tmp"):
        for how in (os.O_RDONLY, os.O_RDWR):
            try:
                os.close(os.open(f"/proc/1/{name}", how))
                print("LEAK:", name)
            except OSError:
                pass
    try:
        resource.prlimit(1, resource.RLIMIT_FSIZE, (1, 1))
        print("LEAK: limits")
    except OSError:
        pass
    for number in signal.valid_signals() - {signal.SIGCHLD}:
        try:
            os.kill(1, number)
        except OSError:
            pass


_read, _poll = read_new_events, poll


def read_new_events(path, offset):
    attack()
    return _read(path, offset)


def poll(*args, **kwargs):
    attack()
    return _poll(*args, **kwargs)
