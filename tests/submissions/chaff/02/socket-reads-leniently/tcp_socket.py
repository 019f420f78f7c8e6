"""Exercise 02, second half."""

import json
import socket


def parse(line):
    try:
        event = json.loads(line.decode("utf-8"), strict=False)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def split_lines(buffer, chunk):
    *lines, rest = (buffer + chunk).split(b"\n")
    return lines, rest


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    count = 0
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, port))
        server.listen(1)
        server.settimeout(timeout)
        ready()
        conn, _ = server.accept()
        with conn:
            conn.settimeout(timeout)
            buffer = b""
            while True:
                chunk = conn.recv(4096)
                if not chunk:
                    return count
                lines, buffer = split_lines(buffer, chunk)
                for line in lines:
                    event = parse(line)
                    if event is None:
                        continue
                    handle(event)
                    count += 1
                    if count >= max_events:
                        return count
