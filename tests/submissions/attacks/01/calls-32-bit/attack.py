import ctypes
import mmap
import os


def call(number, first):
    """A system call of i386: mov eax, number; mov ebx, first; int 0x80; ret."""
    code = b"\xb8" + number.to_bytes(4, "little") + b"\xbb" + first.to_bytes(4, "little")
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code + b"\xcd\x80\xc3")
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()


def attempt(name, work):
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if work() >= 0 else 1)
        finally:
            os._exit(2)
    if os.waitpid(pid, 0)[1] == 0:
        print("LEAK:", name)


print("TRIED")
if os.uname().machine == "x86_64":
    libc = ctypes.CDLL(None)
    attempt("unshare by int 0x80", lambda: call(310, 0x10000000))
    attempt("getpid by int 0x80", lambda: call(20, 0))
    attempt("unshare of x32", lambda: libc.syscall(0x40000000 + 272, 0x10000000))
