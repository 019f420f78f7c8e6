import os
import socket
import threading


def attack(killed):
    print("TRIED")
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect("\0thread-remembers")
        except OSError:
            pass
        else:
            if killed:
                print("LEAK: a process from before the kill answers")
            return
    server = socket.socket(socket.AF_UNIX)
    try:
        server.bind("\0thread-remembers")
        server.listen()
    except OSError:
        return
    threading.Thread(target=serve, args=(server,), daemon=True).start()


def serve(server):
    while True:
        server.accept()[0].close()


_read, _poll = read_new_events, poll
UNDER_WAY = "/tmp/under-way"


def poll(*args, **kwargs):
    attack(killed=os.path.exists(UNDER_WAY))
    os.close(os.open(UNDER_WAY, os.O_CREAT | os.O_WRONLY))
    try:
        return _poll(*args, **kwargs)
    finally:
        os.unlink(UNDER_WAY)


def read_new_events(path, offset):
    print("TRIED")
    return _read(path, offset)
