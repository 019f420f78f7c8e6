"""Exercise 02, first half, with asyncio."""

import asyncio
import json


def tail_consumer(path, handle, *, max_events):
    return asyncio.run(follow(path, handle, max_events))


async def follow(path, handle, max_events):
    tail = await asyncio.create_subprocess_exec(
        *("tail", "-n", "+1", "-F", str(path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    handled = 0
    try:
        async for line in tail.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                handle(event)
                handled += 1
            if handled == max_events:
                return handled
    finally:
        tail.kill()
        await tail.wait()
    return handled
