"""Exercise 02, second half: a byte at a time."""

import json
import socket


def split_lines(buffer, chunk):
    lines, rest = [], bytearray(buffer)
    for byte in chunk:
        if byte == 10:
            lines.append(bytes(rest))
            rest.clear()
        else:
            rest.append(byte)
    return lines, bytes(rest)


def one_line(connection):
    line = bytearray()
    while (byte := connection.recv(1)) not in (b"\n", b""):
        line += byte
    return bytes(line), byte == b""


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with server:
        server.bind((host, port))
        server.listen(1)
        server.settimeout(timeout)
        ready()
        connection, _ = server.accept()
    count = 0
    with connection:
        connection.settimeout(timeout)
        while count < max_events:
            line, ended = one_line(connection)
            if ended:
                break
            try:
                event = json.loads(line.decode("utf-8"))
            except ValueError:
                continue
            if not isinstance(event, dict):
                continue
            handle(event)
            count += 1
    return count
