import atexit
import os

print("TRIED")
for _ in range(100):
    atexit.register(os._exit, 0)
