import os

_poll = poll


def poll(*args, **kwargs):
    print("TRIED", flush=True)
    try:
        return _poll(*args, **kwargs)
    finally:
        for folder in ("/state", "/tmp", "/dev/shm"):
            try:
                os.mkdir(f"{folder}/closed")
                os.chmod(f"{folder}/closed", 0)
                os.chmod(folder, 0)
            except OSError:
                pass
