import atexit
import os


def leave(error):
    raise error


print("TRIED")
for _ in range(100):
    atexit.register(os._exit, 0)
    atexit.register(leave, SystemExit(0))
    atexit.register(leave, KeyboardInterrupt())
