"""Exercise 01 with asyncio."""

import asyncio
import json
import os
import time
from collections import OrderedDict
from typing import NamedTuple


class New(NamedTuple):
    events: list
    offset: int


class Line(NamedTuple):
    event: OrderedDict | None
    end: int


async def read_lines(path, offset, queue):
    try:
        with open(path, "rb") as file:
            if file.seek(0, os.SEEK_END) < offset:
                offset = 0
            await queue.put(Line(None, offset))
            file.seek(offset)
            while (line := file.readline()).endswith(b"\n"):
                offset += len(line)
                try:
                    event = json.loads(line, object_pairs_hook=OrderedDict)
                except ValueError:
                    event = None
                await queue.put(Line(event if isinstance(event, OrderedDict) else None, offset))
    except FileNotFoundError:
        await queue.put(Line(None, 0))
    await queue.put(None)


async def collect(path, offset):
    queue, found = asyncio.Queue(), []
    task = asyncio.create_task(read_lines(path, offset, queue))
    while (line := await queue.get()) is not None:
        found.append(line)
    await task
    return found


def read_new_events(path, offset):
    found = asyncio.run(collect(path, offset))
    return New([line.event for line in found if line.event is not None], found[-1].end)


async def poll_all(path, handle, poll_interval, max_polls, offset_path, sleep):
    offset = load(offset_path)
    handled = 0
    for number in range(max_polls):
        if number:
            sleep(poll_interval)
        for event, end in await collect(path, offset):
            if event is not None:
                handle(event)
                handled += 1
            if end != offset:
                offset = end
                store(offset_path, offset)
    return handled


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    return asyncio.run(poll_all(path, handle, poll_interval, max_polls, offset_path, sleep))


def load(offset_path):
    if offset_path is None:
        return 0
    try:
        with open(offset_path) as file:
            return int(file.read() or 0)
    except FileNotFoundError:
        return 0


def store(offset_path, offset):
    if offset_path is not None:
        aside = os.fspath(offset_path) + ".aside"
        with open(aside, "x" if not os.path.exists(aside) else "w") as file:
            print(offset, file=file)
        os.rename(aside, offset_path)
