import json
import os
import time


def _fill(path, offset):
    """Read what is new into a buffer of its size."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return 0, bytearray()
    with open(fd, "rb", buffering=0) as file:
        size = os.fstat(fd).st_size
        if size < offset:
            offset = 0
        file.seek(offset)
        buffer = bytearray(size - offset)
        view, got = memoryview(buffer), 0
        while got < len(buffer) and (count := file.readinto(view[got:])):
            got += count
        view.release()
    del buffer[got:]
    del buffer[buffer.rfind(b"\n") + 1 :]
    return offset, buffer


def _walk(buffer):
    """Yield (event or None, bytes up to and with its newline)."""
    begin = 0
    while begin < len(buffer):
        end = buffer.index(b"\n", begin) + 1
        try:
            value = json.loads(buffer[begin:end])
        except ValueError:
            value = None
        yield (value if isinstance(value, dict) else None), end
        begin = end


def read_new_events(path, offset):
    start, buffer = _fill(path, offset)
    return [event for event, _ in _walk(buffer) if event is not None], start + len(buffer)


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    def load():
        if offset_path is None:
            return 0
        try:
            with open(offset_path, "rb") as file:
                return int.from_bytes(file.read(), "big")
        except FileNotFoundError:
            return 0

    def store(offset):
        if offset_path is None:
            return
        new = f"{os.fspath(offset_path)}.{os.getpid()}.new"
        with open(new, "wb") as file:
            file.write(offset.to_bytes(2, "big"))
        os.replace(new, offset_path)

    offset = stored = load()
    handled = 0
    first = True
    for _ in range(max_polls):
        if not first:
            sleep(poll_interval)
        first = False
        base, buffer = _fill(path, offset)
        if base < stored:
            store(base)
            stored = base
        offset = base
        try:
            for event, end in _walk(buffer):
                if event is not None:
                    handle(event)
                    handled += 1
                offset = base + end
        finally:
            if offset != stored:
                store(offset)
                stored = offset
    return handled
