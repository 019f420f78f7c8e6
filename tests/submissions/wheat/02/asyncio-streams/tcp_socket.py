"""Exercise 02, second half: asyncio's own server; what handle raises crosses in a future."""

import asyncio
import json


def split_lines(buffer: bytes, chunk: bytes):
    whole = bytearray(buffer)
    whole.extend(chunk)
    lines = whole.split(b"\n")
    rest = lines.pop()
    return list(map(bytes, lines)), bytes(rest)


async def read_all(reader, handle, max_events, timeout):
    rest = b""
    count = 0
    while True:
        async with asyncio.timeout(timeout):
            chunk = await reader.read(4096)
        if not chunk:
            return count
        lines, rest = split_lines(rest, chunk)
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                handle(event)
                count += 1
                if count == max_events:
                    return count


async def main(handle, host, port, max_events, timeout, ready):
    accepted = asyncio.get_running_loop().create_future()

    async def on_connect(reader, writer):
        if accepted.done():
            writer.close()
        else:
            accepted.set_result((reader, writer))

    server = await asyncio.start_server(on_connect, host, port, reuse_address=True)
    async with server:
        ready()
        async with asyncio.timeout(timeout):
            reader, writer = await accepted
        try:
            return await read_all(reader, handle, max_events, timeout)
        finally:
            writer.transport.abort()


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    return asyncio.run(main(handle, host, port, max_events, timeout, ready))
