"""(value, err), as in Go."""

import json
import socket


def split_lines(buffer, chunk):
    lines = (buffer + chunk).split(b"\n")
    return lines[:-1], lines[-1]


def unmarshal(line):
    try:
        value = json.loads(line)
    except ValueError as err:
        return None, err
    return (value, None) if isinstance(value, dict) else (None, TypeError("no object"))


def receive(connection):
    try:
        return connection.recv(1 << 16), None
    except TimeoutError as err:
        return b"", err


def serve(connection, handle, max_events):
    handled, rest = 0, b""
    while True:
        chunk, err = receive(connection)
        if err is not None:
            return handled, err
        if len(chunk) == 0:
            return handled, None
        lines, rest = split_lines(rest, chunk)
        for line in lines:
            event, err = unmarshal(line)
            if err is None:
                handle(event)
                handled += 1
            if handled == max_events:
                return handled, None


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    timeout = max(1, int(timeout))
    with socket.create_server((host, port)) as server:
        server.settimeout(timeout)
        ready()
        connection, _ = server.accept()
        with connection:
            connection.settimeout(timeout)
            handled, err = serve(connection, handle, max_events)
    if err is not None:
        raise err
    return handled
