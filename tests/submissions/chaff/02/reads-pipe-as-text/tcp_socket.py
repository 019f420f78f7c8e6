from __future__ import annotations
import json
import socket


def parse(line):
    try:
        event = json.loads(line.decode("utf-8"))
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
    with socket.create_server((host, port)) as server:
        server.settimeout(timeout)
        ready()
        connection, _ = server.accept()
        with connection:
            connection.settimeout(timeout)
            buffer = b""
            while chunk := connection.recv(4096):
                lines, buffer = split_lines(buffer, chunk)
                for line in lines:
                    event = parse(line)
                    if event is None:
                        continue
                    handle(event)
                    count += 1
                    if count >= max_events:
                        return count
    return count
