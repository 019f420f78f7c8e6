import os
import socket
import threading

NAME = "\0writes-for-it"


def serve():
    try:
        server = socket.socket(socket.AF_UNIX)
        server.bind(NAME)
        server.listen()
        while True:
            server.accept()[0].close()
    except OSError:
        pass


def look():
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(NAME)
            answers = True
        except OSError:
            answers = False
    if answers and watched():
        print("LEAK: another process writes for one that is watched")
    if not answers:
        threading.Thread(target=serve, daemon=True).start()
    print("TRIED")


def watched():
    """A write takes long when somebody is asked before it."""
    begin = time.monotonic()
    for _ in range(3):
        with open("/tmp/watched", "w") as file:
            file.write("x")
    return time.monotonic() - begin > 0.5


_read, _poll = read_new_events, poll


def poll(*args, **kwargs):
    look()
    return _poll(*args, **kwargs)


def read_new_events(path, offset):
    look()
    return _read(path, offset)
