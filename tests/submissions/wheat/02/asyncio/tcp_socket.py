"""Exercise 02, second half, with asyncio."""

import asyncio
import json
import socket


def split_lines(buffer, chunk):
    *lines, rest = b"".join((buffer, chunk)).split(b"\n")
    return lines, rest


def socket_consumer(
    handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None
):
    return asyncio.run(serve(handle, host, port, max_events, timeout, ready))


async def serve(handle, host, port, max_events, timeout, ready):
    loop = asyncio.get_running_loop()
    with socket.create_server((host, port)) as server:
        server.setblocking(False)
        ready()
        connection, _ = await asyncio.wait_for(loop.sock_accept(server), timeout)
        handled = 0
        with connection:
            connection.setblocking(False)
            rest = b""
            while chunk := await asyncio.wait_for(loop.sock_recv(connection, 1 << 16), timeout):
                lines, rest = split_lines(rest, chunk)
                for line in lines:
                    try:
                        event = json.loads(line.decode())
                    except ValueError:
                        continue
                    if isinstance(event, dict):
                        handle(event)
                        handled += 1
                        if handled == max_events:
                            return handled
    return handled
