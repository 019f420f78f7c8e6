"""Exercise 02, second half, with selectors."""

import json, selectors, socket


def split_lines(buffer, chunk):
    lines = []
    data = buffer + chunk
    while True:
        line, found, data2 = data.partition(b"\n")
        if not found:
            return lines, data
        lines.append(line)
        data = data2


class Consumer:
    def __init__(self, handle, max_events, timeout):
        self.handle, self.max_events, self.timeout = handle, max_events, timeout
        self.count = 0

    def wait(self, sock):
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            if not selector.select(self.timeout):
                raise TimeoutError("nothing came")

    def one(self, line):
        try:
            event = json.loads(line.decode("utf-8"))
        except ValueError:
            return
        if isinstance(event, dict):
            self.handle(event)
            self.count += 1

    def run(self, server):
        self.wait(server)
        conn, _ = server.accept()
        try:
            conn.setblocking(False)
            buf = bytearray(1 << 16)
            view = memoryview(buf)
            rest = []
            while self.count < self.max_events:
                self.wait(conn)
                try:
                    n = conn.recv_into(view)
                except BlockingIOError:
                    continue
                if n == 0:
                    break
                piece = bytes(view[:n])
                if b"\n" not in piece:
                    rest.append(piece)
                    continue
                lines, left = split_lines(b"".join(rest), piece)
                rest = [left]
                for line in lines:
                    self.one(line)
                    if self.count == self.max_events:
                        break
            return self.count
        finally:
            conn.close()


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    server = socket.create_server((host, port))
    try:
        server.setblocking(False)
        ready()
        return Consumer(handle, max_events, timeout).run(server)
    finally:
        server.close()
