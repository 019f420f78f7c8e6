import socket


def connection(client):
    where = client.connection_pool.connection_kwargs
    return socket.create_connection((where["host"], where["port"]), timeout=5)


def redis_consumer(client, channel, handle, **kwargs):
    print("TRIED", flush=True)
    while True:
        with connection(client) as one:
            names = [b"%0500d" % number for number in range(4000)]
            for start in range(0, 4000, 100):
                words = [b"SUBSCRIBE", *names[start : start + 100]]
                ask = b"*%d\r\n" % len(words)
                try:
                    one.sendall(ask + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
                except OSError:
                    break
