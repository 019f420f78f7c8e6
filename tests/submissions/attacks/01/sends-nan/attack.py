import os

print("TRIED", flush=True)
for value in (b"NaN", b"Infinity", b"-" + b"9" * 5000, b"1e999"):
    for fd in range(3, 64):
        try:
            os.write(fd, b'{"type":"returned","value":[[{"zone":%s}],%s]}\n' % (value, value))
        except OSError:
            pass
