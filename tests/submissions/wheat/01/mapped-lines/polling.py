"""Exercise 01 with mmap on both sides."""

import contextlib
import ctypes
import json
import mmap
import os
import time


def lines(path, offset):
    """(None, where reading began), then (event or None, the end of its line) for each line."""
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(open(path, "rb"))
        except FileNotFoundError:
            yield None, 0
            return
        size = os.fstat(file.fileno()).st_size
        if size < offset:
            offset = 0
        yield None, offset
        if size == offset:
            return
        first = offset - offset % mmap.ALLOCATIONGRANULARITY
        mapped = stack.enter_context(
            mmap.mmap(file.fileno(), size - first, access=mmap.ACCESS_READ, offset=first)
        )
        while (newline := mapped.find(b"\n", offset - first)) != -1:
            line = mapped[offset - first : newline]
            offset = first + newline + 1
            event = None
            with contextlib.suppress(ValueError):
                event = json.loads(line)
            yield event if isinstance(event, dict) else None, offset


def read_new_events(path, offset):
    found = [*lines(path, offset)]
    return [event for event, _ in found if event is not None], found[-1][1]


class Bookmark:
    """Eight bytes, changed by one store of the processor's."""

    def __init__(self, path):
        self.value = ctypes.c_int64(0)
        self.mapped = None
        if path is not None:
            if not os.path.exists(path) or os.path.getsize(path) != 8:
                with open(path, "ab") as file:
                    file.truncate(8)
            with open(path, "r+b") as file:
                self.mapped = mmap.mmap(file.fileno(), 8)
            self.value = ctypes.c_int64.from_buffer(self.mapped)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        del self.value  # the map cannot be closed while a number lies in it
        if self.mapped is not None:
            self.mapped.close()


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    handled = 0
    with Bookmark(offset_path) as bookmark:
        for number in range(max_polls):
            if number > 0:
                sleep(poll_interval)
            for event, end in lines(path, bookmark.value.value):
                if event is not None:
                    handle(event)
                    handled += 1
                bookmark.value.value = end
    return handled
