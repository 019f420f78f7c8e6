import os
import signal
import socket


def socket_consumer(handle, *, host="localhost", port=9999, ready=lambda: None, **kwargs):
    print("TRIED", flush=True)
    server = socket.create_server((host, port))
    ready()
    hoard = server.accept()
    os.kill(os.getpid(), signal.SIGSTOP)
