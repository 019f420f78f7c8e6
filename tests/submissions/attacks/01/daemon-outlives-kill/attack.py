import os
import socket


def attack(killed):
    print("TRIED")
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect("\0remembers")
        except OSError:
            pass
        else:
            if killed:
                print("LEAK: the daemon of a killed run answers")
            return
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("\0remembers")
            server.listen()
            while True:
                server.accept()[0].close()
    finally:
        os._exit(0)


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
