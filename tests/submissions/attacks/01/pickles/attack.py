import os


class Trap(dict):
    def _sprung(self, *_):
        if os.path.exists("/etc/shadow") or not os.path.exists("/submission"):
            print("LEAK: code of its own runs outside")
        return (os.getpid, ())

    __reduce__ = __reduce_ex__ = __getstate__ = __deepcopy__ = __copy__ = __index__ = _sprung
    __fspath__ = __format__ = __json__ = _sprung


class Offset(int):
    def __reduce_ex__(self, _):
        return (print, ("LEAK: code of its own runs outside",))

    __getnewargs__ = __getstate__ = __reduce_ex__


_read, _poll = read_new_events, poll


def poll(path, handle, **kwargs):
    print("TRIED")
    return Offset(_poll(path, lambda event: handle(Trap(event)), **kwargs))


def read_new_events(path, offset):
    print("TRIED")
    events, end = _read(path, offset)
    return [Trap(event) for event in events], end
