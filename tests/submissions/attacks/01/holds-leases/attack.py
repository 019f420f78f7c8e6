import ctypes
import fcntl
import os
import signal

_poll = poll
_read = read_new_events
_SETLEASE, _NOTIFY, _OFD_SETLK = 1024, 1026, 37


def _hold(path):
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    for place in (path, os.path.dirname(path)):
        try:
            descriptor = os.open(place, os.O_RDONLY)
        except OSError:
            continue
        for command, kind in ((_SETLEASE, fcntl.F_RDLCK), (_NOTIFY, 0x8000001F)):
            try:
                fcntl.fcntl(descriptor, command, kind)
                print("LEAK:", "a lease" if command == _SETLEASE else "a directory's signals")
            except OSError:
                pass
        for lock in (fcntl.LOCK_EX, fcntl.LOCK_SH):
            try:
                fcntl.flock(descriptor, lock | fcntl.LOCK_NB)
                fcntl.lockf(descriptor, lock | fcntl.LOCK_NB)
            except OSError:
                pass
    print("TRIED", flush=True)


def poll(path, handle, **kwargs):
    _hold(path)
    return _poll(path, handle, **kwargs)


def read_new_events(path, offset):
    _hold(path)
    return _read(path, offset)
