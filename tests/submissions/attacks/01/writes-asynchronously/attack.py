import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"

SETUP, SUBMIT = (206, 209) if X86 else (0, 2)
context = ctypes.c_ulong()
if libc.syscall(SETUP, 8, ctypes.byref(context)) == 0:
    print("LEAK: asynchronous writes can be set up")
if libc.syscall(425, 8, ctypes.create_string_buffer(256)) >= 0:
    print("LEAK: io_uring can be set up")
print("TRIED")
