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
    _, own = place(settings)
    ask = request(18, 0, b"")
    for port in (*range(9000, 9100), *random.sample(range(32_768, 60_000), 200)):
        if port == own:
            continue
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as other:
                other.sendall(ask)
                if len(other.recv(99)) > 20:
                    print("LEAK", port, flush=True)
        except OSError:
            pass
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            if b"kafka.process" in line.read():
                print("LEAK", pid, flush=True)
    client = Consumer({**settings, "group.id": "look", "enable.auto.commit": False})
    for broker in client.list_topics(timeout=10).brokers.values():
        if broker.port != own:
            print("LEAK", broker.host, broker.port, flush=True)
    client.close()
    print("TRIED", flush=True)
    return _replay(settings, *args, **kwargs)
