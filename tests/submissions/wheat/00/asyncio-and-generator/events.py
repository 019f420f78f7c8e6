"""Exercise 00."""

import asyncio
import json
from typing import TypedDict


class Trip(TypedDict, total=False):
    event_id: int
    pickup_zone: str


async def reading(line: bytes) -> Trip | None:
    reader = asyncio.StreamReader()
    reader.feed_data(line)
    reader.feed_eof()
    data = await reader.read()
    try:
        value = json.loads(data.decode())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def chunks(event: Trip):
    yield json.dumps(event, ensure_ascii=False).encode()
    yield b"\n"


def parse(line: bytes) -> Trip | None:
    return asyncio.run(reading(line))


def encode(event: Trip) -> bytes:
    return b"".join(chunks(event))
