import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"

import struct


class Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def look():
    allow = Program(1, struct.pack("HBBI", 6, 0, 0, 0x7FFF0000))
    ctypes.set_errno(0)
    got = libc.syscall(317 if X86 else 277, 1, 8, ctypes.byref(allow))
    if got >= 0 or ctypes.get_errno() == 16:
        print("LEAK: a filter of its own says", got, ctypes.get_errno())
    print("TRIED")


_poll = poll


def poll(*args, **kwargs):
    look()
    return _poll(*args, **kwargs)
