import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"

import fcntl
import os

ADD_KEY, KEYCTL = (248, 250) if X86 else (217, 219)
for keyring in (-1, -2, -3, -4, -5):
    if libc.syscall(ADD_KEY, b"user", b"remembers", b"7", 1, keyring) >= 0:
        print("LEAK: a key in keyring", keyring)
    if libc.syscall(KEYCTL, 0, keyring, 1) >= 0:
        print("LEAK: keyring", keyring)
for name in ("shmget", "semget", "msgget"):
    if getattr(libc, name)(4711, 0o1600 if name != "shmget" else 4096, 0o1600) >= 0:
        print("LEAK:", name)
try:
    file = os.open("/submission/polling.py", os.O_RDONLY)
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    print("LEAK: a lease on the submission")
except OSError:
    pass
print("TRIED")
