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
            with connection.makefile("r", encoding="utf-8", errors="surrogateescape") as file:
                while (line := file.readline()).endswith("\n"):
                    event = parse(line.encode("utf-8", "surrogateescape"))
                    if event is None:
                        continue
                    handle(event)
                    count += 1
                    if count >= max_events:
                        return count
    return count
