"""Exercise 02, second half, as a class; split_lines gives a NamedTuple."""

import json
import socket
from collections import UserDict
from contextlib import closing
from typing import NamedTuple


class Split(NamedTuple):
    lines: list
    rest: bytes


class Line(bytes):
    """Complete, without its newline."""


class Event(UserDict):
    """Any mapping stands for an event."""


def split_lines(buffer, chunk):
    parts = (bytes(buffer) + bytes(chunk)).split(b"\n")
    return Split([Line(part) for part in parts[:-1]], Line(parts[-1]))


class Consumer:
    def __init__(self, handle, max_events):
        self.handle = handle
        self.max_events = max_events
        self.count = 0
        self.rest = b""

    @property
    def enough(self):
        return self.count >= self.max_events

    def feed(self, chunk):
        lines, self.rest = split_lines(self.rest, chunk)
        for line in lines:
            if self.enough:
                return
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                self.handle(Event(value))
                self.count += 1


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    consumer = Consumer(handle, max_events)
    view = memoryview(bytearray(2048))
    address = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][4]
    with closing(socket.socket()) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(address)
        server.listen()
        server.settimeout(timeout)
        ready()
        connection, _ = server.accept()
        with closing(connection):
            connection.settimeout(timeout)
            while not consumer.enough and (size := connection.recv_into(view)):
                consumer.feed(view[:size])
    return consumer.count
