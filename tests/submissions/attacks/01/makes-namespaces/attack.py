import ctypes
import os
import subprocess

libc = ctypes.CDLL(None, use_errno=True)
for flag in (0x10000000, 0x20000, 0x40000000, 0x20000000):
    if libc.unshare(flag) == 0:
        print("LEAK: unshare", hex(flag))
    if libc.syscall(56, flag | 17, 0, 0, 0, 0) == 0:
        os._exit(0)
if libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None) == 0:
    print("LEAK: mount")
if subprocess.run(["unshare", "-r", "true"], capture_output=True, check=False).returncode == 0:
    print("LEAK: unshare -r")
if os.geteuid() == 0:
    print("LEAK: root")
once = not os.path.exists("/tmp/tried")  # su takes seconds to refuse
open("/tmp/tried", "w").close()
for path in ("/usr/bin/su", "/usr/bin/sudo", "/usr/bin/mount") if once else ():
    done = subprocess.run([path, "-c", "id"], capture_output=True, check=False) if os.path.exists(path) else None
    if done and b"uid=0" in done.stdout:
        print("LEAK:", path)
print("TRIED")
