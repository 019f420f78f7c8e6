import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
parent = os.getppid()
for number, arguments in {
    101: (16, parent, 0, 0),  # ptrace, PTRACE_ATTACH
    310: (parent, 0, 0, 0, 0, 0),  # process_vm_readv
    438: (os.pidfd_open(parent), 0, 0),  # pidfd_getfd
    250: (2, 0, 0, 0),  # keyctl
    321: (0, 0, 0),  # bpf
    298: (0, 0, -1, -1, 0),  # perf_event_open
    425: (1, 0),  # io_uring_setup
    323: (0,),  # userfaultfd
}.items():
    if libc.syscall(number, *arguments) >= 0 or ctypes.get_errno() not in (1, 38):
        print("LEAK: system call", number, ctypes.get_errno())
print("TRIED")
