import json
import socket


def split_lines(buffer, chunk):
    *lines, rest = (buffer + chunk).split(b"\n")
    return lines, rest


class LineBuffer:
    """Does not look at the same bytes twice."""

    def __init__(self):
        self.data = bytearray()
        self.scanned = 0

    def feed(self, chunk):
        self.data += chunk
        while True:
            end = self.data.find(b"\n", self.scanned)
            if end < 0:
                self.scanned = len(self.data)
                return
            line = bytes(self.data[:end])
            del self.data[: end + 1]
            yield line


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    handled = 0
    with socket.create_server((host, port)) as server:
        server.settimeout(timeout)
        ready()
        connection, _ = server.accept()
        with connection:
            connection.settimeout(timeout)
            buffer = LineBuffer()
            while chunk := connection.recv(65536):
                for line in buffer.feed(chunk):
                    try:
                        event = json.loads(line)
                    except ValueError:
                        continue
                    if isinstance(event, dict):
                        handle(event)
                        handled += 1
                        if handled == max_events:
                            return handled
    return handled
