import os
import socket

_poll = poll
_read = read_new_events


def _urgent():
    print("TRIED", flush=True)
    channels = [socket.socket(fileno=os.dup(int(name))) for name in os.listdir("/proc/self/fd") if _is_socket(name)]
    while True:
        for channel in channels:
            try:
                channel.send(b"!", socket.MSG_OOB)
                print("LEAK: an urgent byte was sent", flush=True)
            except OSError:
                pass
        time.sleep(0.1)


def _is_socket(name):
    try:
        return os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
    except OSError:
        return False


def poll(path, handle, **kwargs):
    _urgent()


def read_new_events(path, offset):
    _urgent()
