import ctypes
import fcntl
import os
import platform
import struct

_read = read_new_events
_LIBC = ctypes.CDLL(None, use_errno=True)
_PRCTL, _SOCKET, _FCNTL, _SETSOCKOPT = (
    (157, 41, 72, 54) if platform.machine() == "x86_64" else (167, 198, 25, 208)
)
_HIGH = 1 << 32


def _call(*words):
    return _LIBC.syscall(*(ctypes.c_ulong(word) for word in words))


def _own_filter():
    allow = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7FFF0000))
    program = ctypes.create_string_buffer(struct.pack("HP", 1, ctypes.addressof(allow)))
    return _call(_PRCTL, _HIGH | 22, 2, ctypes.addressof(program), 0, 0) == 0


def _attack(path):
    if _own_filter():
        print("LEAK: a filter of its own")
    for family, kind, protocol in ((17, 3, 0), (38, 5, 0), (16, 3, 12), (2, 1, 262), (10, 3, 58)):
        made = _call(_SOCKET, _HIGH | family, kind, _HIGH | protocol)
        if made >= 0:
            os.close(made)
            print("LEAK: a socket of", family, protocol)
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        descriptor = os.open("/worker", os.O_RDONLY)
    if _call(_FCNTL, descriptor, _HIGH | 1024, fcntl.F_RDLCK) == 0:
        print("LEAK: a lease")
    os.close(descriptor)
    print("TRIED", flush=True)


def read_new_events(path, offset):
    _attack(path)
    return _read(path, offset)
