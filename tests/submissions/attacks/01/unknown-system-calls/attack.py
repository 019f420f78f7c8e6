import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"

import errno

for number in range(452, 520):
    ctypes.set_errno(0)
    zeros = ctypes.create_string_buffer(256)
    if libc.syscall(number, -100, b"/tmp", 0, zeros, 24, 0) >= 0 or ctypes.get_errno() != errno.ENOSYS:
        print("LEAK: system call", number, ctypes.get_errno())
print("TRIED")
