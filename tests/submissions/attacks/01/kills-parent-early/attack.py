import os
import signal
import time

print("TRIED", flush=True)
parent = os.getppid()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.3)
        os.kill(parent, signal.SIGKILL)
    os._exit(0)
