"""Exercise 02, first half, as a class; its events are OrderedDicts."""

import enum
import json
import os
import subprocess
from collections import OrderedDict


class Stop(enum.Enum):
    ENOUGH = 1


class Count(int):
    """A number of events."""


class Tail:
    def __init__(self, path):
        self.path = path
        self.child = None

    def __enter__(self):
        self.child = subprocess.Popen(
            ["stdbuf", "-oL", "tail", "--follow=name", "--retry", "--lines=+1", os.fspath(self.path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        return self

    def __exit__(self, *failure):
        self.child.kill()
        self.child.communicate()
        return False

    def __iter__(self):
        with open(self.child.stdout.fileno(), "rb", closefd=False) as pipe:
            while line := pipe.readline():
                try:
                    event = json.loads(line, object_pairs_hook=OrderedDict)
                except ValueError:
                    continue
                if isinstance(event, OrderedDict):
                    yield event


class TailConsumer:
    def __call__(self, path, handle, *, max_events):
        count = Count()
        with Tail(path) as events:
            iterator = iter(events)
            while count < max_events:
                event = next(iterator, None)
                if event is None:
                    break
                handle(event)
                count = Count(count + 1)
            iterator.close()
        return count


tail_consumer = TailConsumer()
