import fcntl
import os

kept = []
try:
    while len(kept) < 60:
        read_end, write_end = os.pipe()
        kept += [read_end, write_end]
        os.set_blocking(write_end, False)
        for size in (1 << 20, 1 << 18, 1 << 16):
            try:
                fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, size)
                break
            except OSError:
                continue
        try:
            while os.write(write_end, b"x" * (1 << 16)):
                pass
        except BlockingIOError:
            pass
except OSError:
    pass
print("TRIED")
