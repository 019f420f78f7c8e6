"""Exercise 02, second half, with a file object over the socket."""

import contextlib
import json
import socket


def split_lines(buffer, chunk):
    joined = buffer + chunk
    head, newline, tail = joined.rpartition(b"\n")
    return (head.split(b"\n"), tail) if newline else ([], joined)


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    handled = 0
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
        server.settimeout(timeout)
        server.bind((host, port))
        server.listen()
        ready()
        connection = stack.enter_context(server.accept()[0])
        connection.settimeout(timeout)
        for line in stack.enter_context(connection.makefile("rb")):
            event = None
            with contextlib.suppress(ValueError):
                event = json.loads(line)
            if not isinstance(event, dict) or not line.endswith(b"\n"):
                continue
            handle(event)
            handled += 1
            if handled == max_events:
                break
    return handled
