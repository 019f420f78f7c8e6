import os


def _endlessly():
    print("TRIED", flush=True)
    reading, writing = os.pipe()
    while True:
        os.write(writing, b"x")
        os.read(reading, 1)


def poll(path, handle, **kwargs):
    _endlessly()


def read_new_events(path, offset):
    _endlessly()
