"""Exercise 01, with struct and an ExitStack."""

import io, json, os, struct, time
from contextlib import contextmanager

OFFSET = struct.Struct("<Q")


@contextmanager
def stored(offset_path):
    if offset_path is None:
        yield lambda value: None, 0
        return
    fd = os.open(offset_path, os.O_RDWR | os.O_CREAT)
    try:
        old = os.pread(fd, OFFSET.size, 0)
        yield (
            lambda value: os.pwrite(fd, OFFSET.pack(value), 0),
            OFFSET.unpack(old)[0] if old else 0,
        )
    finally:
        os.close(fd)


def scan(path, offset):
    try:
        file = io.FileIO(path, "r")
    except FileNotFoundError:
        return 0, []
    with file, io.BufferedReader(file) as reader:
        size = file.seek(0, io.SEEK_END)
        begin = offset if size >= offset else 0
        reader.seek(begin)
        found = []
        for line in reader:
            if not line.endswith(b"\n"):
                break
            found.append(line)
    return begin, found


def decode(line):
    try:
        thing = json.loads(line.decode("utf-8"))
        return thing if isinstance(thing, dict) else None
    except (UnicodeDecodeError, json.JSONDecodeError):
        return None


def read_new_events(path, offset):
    begin, lines = scan(path, offset)
    return list(filter(lambda e: e is not None, map(decode, lines))), begin + sum(map(len, lines))


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    total = 0
    with stored(offset_path) as (store, offset):
        for turn in range(1, max_polls + 1):
            begin, lines = scan(path, offset)
            if begin != offset:
                store(begin)
            offset = begin
            for line in lines:
                event = decode(line)
                if event is not None:
                    handle(event)
                    total += 1
                offset += len(line)
                store(offset)
            if turn < max_polls:
                sleep(poll_interval)
    return total
