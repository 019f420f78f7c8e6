import os

print("TRIED", flush=True)
for fd in range(3, 64):
    try:
        os.write(fd, b"\xff\xff\xff\xff")
        for _ in range(40):
            os.write(fd, b"[" * (1 << 20))
    except OSError:
        pass
