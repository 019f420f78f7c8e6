"""Exercise 02, second half, a byte at a time; it tells each of them."""

import json
import socket


def split_lines(buffer, chunk):
    *lines, rest = (buffer + chunk).split(b"\n")
    return lines, rest


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    count = 0
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, port))
        server.listen()
        server.settimeout(timeout)
        ready()
        connection, _ = server.accept()
    with connection:
        connection.settimeout(timeout)
        line = bytearray()
        while count < max_events:
            byte = connection.recv(1)
            if not byte:
                print("the producer has closed")
                break
            print(byte, len(line))
            line += byte
            if byte == b"\n":
                print("line:", bytes(line))
                try:
                    event = json.loads(line)
                except ValueError:
                    event = None
                line = bytearray()
                if isinstance(event, dict):
                    handle(event)
                    count += 1
    return count
