import atexit
import gc
import signal
import sys
import threading
import weakref

_poll = poll


class _Ring:
    def __init__(self, last):
        self.ring, self.last = self, last

    def __del__(self):
        self.last()


def poll(path, handle, **kwargs):
    print("TRIED", flush=True)
    seen = []

    def later(event):
        seen.append(event)

    def late(*_):
        for event in seen:
            handle(event)

    count = _poll(path, later, **kwargs)
    gc.disable()
    _Ring(late)
    weakref.finalize(_Ring(lambda: None), late)
    atexit.register(late)
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    threading.Timer(0.002, late).start()
    sys.setprofile(lambda frame, event, _: late() if event == "return" and not gc.isenabled() else None)
    gc.enable()
    return count
