import glob
import os
import socket

_consume = stream_consumer


def stream_consumer(client, *args, **kwargs):
    for pattern in (
        "/tmp/stream-redis-*",
        "/tmp/*/server/socket",
        "/var/run/redis/*",
        "/run/*/*.sock",
    ):
        for path in glob.glob(pattern):
            with socket.socket(socket.AF_UNIX) as other:
                try:
                    other.connect(path)
                    other.sendall(b"PING\r\n")
                    print("LEAK", path, other.recv(99), flush=True)
                except OSError:
                    pass
    with open("/proc/net/unix") as table:
        for line in table:
            if "stream-redis" in line:
                print("LEAK", line, flush=True)
    own = client.connection_pool.connection_kwargs["port"]
    for port in (*range(1, 1024), *range(6370, 6400), *range(15_000, 16_000)):
        if port in (own, 5672, 4566):
            continue
        with socket.socket() as other:
            if other.connect_ex(("127.0.0.1", port)) == 0:
                try:
                    other.settimeout(1)
                    other.sendall(b"PING\r\n")
                    if other.recv(99).startswith((b"+PONG", b"-NO")):
                        print("LEAK", port, flush=True)
                except OSError:
                    pass
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            if b"redis-server" in line.read():
                print("LEAK", pid, flush=True)
    print("TRIED", flush=True)
    return _consume(client, *args, **kwargs)
