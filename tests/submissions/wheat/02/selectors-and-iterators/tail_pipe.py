"""Exercise 02, first half, as an iterator of lines."""

import json, os, selectors, subprocess


class Follower:
    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.process = subprocess.Popen(
            (
                "tail",
                "--lines=+1",
                "--follow=name",
                "--retry",
                "--sleep-interval=0.2",
                os.fspath(self.path),
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.pending = bytearray()
        return self

    def __exit__(self, *exc):
        self.selector.close()
        self.process.terminate()
        try:
            self.process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()

    def __iter__(self):
        return self

    def __next__(self):
        while b"\n" not in self.pending:
            self.selector.select()
            data = self.process.stdout.read(1 << 16)
            if not data:
                raise StopIteration
            self.pending += data
        end = self.pending.index(b"\n")
        line = bytes(self.pending[:end])
        del self.pending[: end + 1]
        return line


def tail_consumer(path, handle, *, max_events):
    left = max_events
    with Follower(path) as follower:
        for line in follower:
            try:
                event = json.loads(line.decode())
            except ValueError:
                continue
            if not isinstance(event, dict):
                continue
            handle(event)
            left -= 1
            if not left:
                break
    return max_events - left
