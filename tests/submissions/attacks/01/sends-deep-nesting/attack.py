import os

print("TRIED", flush=True)
for fd in range(3, 64):
    try:
        os.write(fd, b"[" * 100_000 + b"]" * 100_000 + b"\n" + b'{"a":' * 100_000 + b"\n")
    except OSError:
        pass
