"""Exercise 01 with a reader thread."""

import json
import os
import queue
import threading
import time


def chunks(path, offset):
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size < offset:
                offset = 0
            yield None, offset
            file.seek(offset)
            while True:
                line = file.readline()
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                try:
                    event = json.loads(line)
                except (ValueError, RecursionError):
                    event = None
                yield (event if isinstance(event, dict) else None), offset
    except FileNotFoundError:
        yield None, 0


def read_new_events(path, offset):
    found = list(chunks(path, offset))
    return [event for event, _ in found if event is not None], found[-1][1]


def restore(offset_path):
    try:
        with open(offset_path, "rb") as file:
            return int(file.read() or b"0")
    except (TypeError, FileNotFoundError):
        return 0


def keep(offset_path, offset):
    if offset_path is not None:
        with open(os.fspath(offset_path) + "~", "wb") as file:
            file.write(b"%d" % offset)
            file.flush()
            os.fsync(file.fileno())
        os.replace(os.fspath(offset_path) + "~", offset_path)


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    offset = restore(offset_path)
    handled = 0
    for number in range(max_polls):
        found = queue.SimpleQueue()

        def read(start=offset, found=found):
            for item in chunks(path, start):
                found.put(item)
            found.put(None)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            while (item := found.get()) is not None:
                event, end = item
                if event is not None:
                    handle(event)
                    handled += 1
                if end != offset:
                    offset = end
                    keep(offset_path, offset)
        finally:
            reader.join()
        if number < max_polls - 1:
            sleep(poll_interval)
    return handled
