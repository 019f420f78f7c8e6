"""Exercise 02, second half."""

import json
import socket


def split_lines(buffer, chunk):
    parts = (buffer + chunk).split(b"\n")
    return parts[:-1], parts[-1]


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection = None
    count = 0
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, port))
        server.listen(1)
        server.settimeout(timeout)
        ready()
        connection, address = server.accept()
        connection.settimeout(timeout)
        buffer = b""
        while True:
            chunk = connection.recv(4096)
            if not chunk:
                return count
            lines, buffer = split_lines(buffer, chunk)
            for line in lines:
                event = parse(line)
                if event is None:
                    continue
                handle(event)
                count += 1
                if count == max_events:
                    return count
    finally:
        if connection is not None:
            connection.close()
        server.close()


def parse(line):
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
