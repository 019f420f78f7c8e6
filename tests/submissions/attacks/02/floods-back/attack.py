import socket
import struct


def socket_consumer(handle, *, host="localhost", port=9999, ready=lambda: None, **kwargs):
    print("TRIED", flush=True)
    while True:
        with socket.create_server((host, port), reuse_port=True) as server:
            ready()
            producer, _ = server.accept()
            try:
                for _ in range(2000):
                    producer.send(b"x" * 65536)
            except OSError:
                pass
            producer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            producer.close()
