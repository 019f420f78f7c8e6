"""Exercise 02, second half, with selectors."""

import json
import selectors
import socket


def split_lines(buffer, chunk):
    whole = buffer + chunk
    lines = []
    start = 0
    while (end := whole.find(b"\n", start)) != -1:
        lines.append(whole[start:end])
        start = end + 1
    return lines, whole[start:]


def wait_for(sock, timeout):
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        if not selector.select(timeout):
            raise TimeoutError(f"nothing happened for {timeout} s")


def events_of(lines):
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    with socket.create_server((host, port), backlog=5) as server:
        ready()
        wait_for(server, timeout)
        peer, _ = server.accept()
    handled = 0
    with peer:
        rest = b""
        while handled < max_events:
            wait_for(peer, timeout)
            data = peer.recv(1 << 20)
            if data == b"":
                break
            lines, rest = split_lines(rest, data)
            for event in events_of(lines):
                handle(event)
                handled += 1
                if handled >= max_events:
                    break
    return handled
