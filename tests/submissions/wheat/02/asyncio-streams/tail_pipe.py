"""Exercise 02, first half: a shell script as the pipe, read by asyncio."""

import asyncio
import json
import os


async def lines_of(stream):
    rest = b""
    while chunk := await stream.read(1 << 15):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line


async def follow(path, handle, max_events):
    child = await asyncio.create_subprocess_exec(
        *("sh", "-c", 'exec tail -n +1 -F -- "$1" 2>/dev/null', "sh", os.fspath(path)),
        stdout=asyncio.subprocess.PIPE,
    )
    count = 0
    try:
        async for line in lines_of(child.stdout):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if not isinstance(event, dict):
                continue
            handle(event)
            count += 1
            if count == max_events:
                break
    finally:
        child.terminate()
        await child.wait()
    return count


def tail_consumer(path, handle, *, max_events):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(follow(path, handle, max_events))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
