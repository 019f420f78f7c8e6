"""No loop, no class."""

import functools
import itertools
import json
import operator
import os
import time


def _parsed(line):
    try:
        return json.loads(line)
    except ValueError:
        return None


def _is_event(value):
    return isinstance(value, dict)


def _slurp(path, offset):
    try:
        with open(path, "rb") as file:
            start = offset if os.stat(file.fileno()).st_size >= offset else 0
            file.seek(start)
            return start, b"".join(iter(functools.partial(file.read, 1 << 15), b""))
    except FileNotFoundError:
        return 0, b""


def _complete(path, offset):
    start, data = _slurp(path, offset)
    lines = data.split(b"\n")[:-1]
    ends = itertools.accumulate((len(line.rstrip(b"\r")) + 1 for line in lines), operator.add, initial=start)
    return start, list(zip(map(_parsed, lines), itertools.islice(ends, 1, None)))


def read_new_events(path, offset):
    start, pairs = _complete(path, offset)
    values = [value for value, _ in pairs]
    return list(filter(_is_event, values)), max([start, *(end for _, end in pairs)])


def _load(offset_path):
    if offset_path is None or not os.path.exists(offset_path):
        return 0
    with open(offset_path) as file:
        return int(file.readline() or 0)


def _store(offset_path, offset):
    if offset_path is not None:
        aside = os.fspath(offset_path) + ".part"
        with open(aside, "w") as file:
            print(offset, file=file)
        os.rename(aside, offset_path)


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    store = functools.partial(_store, offset_path)

    def one(state, pair):
        handled, _ = state
        value, end = pair
        if _is_event(value):
            handle(value)
            handled += 1
        store(end)
        return handled, end

    def look(state, number):
        handled, offset = state
        if number:
            sleep(poll_interval)
        start, pairs = _complete(path, offset)
        if start != offset:
            store(start)
        return functools.reduce(one, pairs, (handled, start))

    return functools.reduce(look, range(max_polls), (0, _load(offset_path)))[0]
