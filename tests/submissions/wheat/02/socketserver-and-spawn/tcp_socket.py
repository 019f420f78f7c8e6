"""Exercise 02, second half, with socketserver."""

import json
import socketserver
import sys


def split_lines(buffer, chunk):
    data = bytearray(buffer) + chunk
    lines = []
    begin = 0
    for i, byte in enumerate(data):
        if byte == 0x0A:
            lines.append(bytes(data[begin:i]))
            begin = i + 1
    return lines, bytes(data[begin:])


class Server(socketserver.TCPServer):
    allow_reuse_address = True
    error = None

    def handle_timeout(self):
        raise TimeoutError(f"no producer for {self.timeout} s")

    def handle_error(self, request, client_address):
        self.error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]


class Producer(socketserver.BaseRequestHandler):
    def handle(self):
        server = self.server
        self.request.settimeout(server.timeout)
        rest = b""
        while chunk := self.request.recv(1 << 15):
            head, newline, tail = chunk.rpartition(b"\n")
            if not newline:
                rest += chunk
                continue
            lines = (rest + head).split(b"\n")
            rest = tail
            for line in lines:
                try:
                    event = json.loads(line.decode("utf-8"))
                except ValueError:
                    continue
                if not isinstance(event, dict):
                    continue
                server.callback(event)
                server.count += 1
                if server.count == server.wanted:
                    return


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    with Server((host, port), Producer) as server:
        server.timeout = timeout
        server.callback, server.count, server.wanted = handle, 0, max_events
        ready()
        server.handle_request()
        if server.error is not None:
            raise server.error
        return server.count
