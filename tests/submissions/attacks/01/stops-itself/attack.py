import os
import signal
import threading
import time

_read = read_new_events


def later():
    time.sleep(0.002)
    os.kill(os.getpid(), signal.SIGSTOP)


def read_new_events(path, offset):
    print("TRIED")
    threading.Thread(target=later).start()
    return _read(path, offset)
