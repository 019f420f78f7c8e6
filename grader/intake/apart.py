"""Run what reads strangers' archives in a child: bounded memory, a deadline, and no way to end us.

What the child says crosses a pipe as JSON and bytes.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

MEMORY = 1 << 30
"""Bytes that the child may have beyond what it starts with."""
SECONDS = 120.0
"""For one person's archive, or one list of names."""
_LONGEST = 64 << 20
"""Bytes of a message."""

Said = tuple[dict[str, Any], bytes]
"""A message of the work's: what it is, and the content that belongs to it."""
Work = Callable[[int], Iterator[Said]]
"""Does the tasks from that number on. Each begins with a message of `{"task": number}`."""


def apart(work: Work, count: int, broken: Callable[[int, str], Said]) -> Iterator[Said]:
    """Yield what `work` says of `count` tasks, done in a child.

    A task that ends the child, or takes too long, yields `broken(number, why)`, and the rest is
    done in another one.
    """
    if not hasattr(os, "fork"):
        yield from work(0)
        return
    start = 0
    while start < count:
        at = start
        why = ""
        for said in _one_child(work, start):
            if isinstance(said, str):
                why = said
            else:
                at = said[0].get("task", at)
                yield said
        if not why:
            return
        yield broken(at, why)
        start = at + 1


def _one_child(work: Work, start: int) -> Iterator[Said | str]:
    """Yield what a child says; last, where it did not come to its end, why."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, ours, work, start))
    process.start()
    theirs.close()
    deadline = time.monotonic() + SECONDS
    try:
        while True:
            if not ours.poll(max(0.0, deadline - time.monotonic())):
                yield f"takes more than {SECONDS:g} s to read"
                return
            try:
                head = json.loads(ours.recv_bytes(_LONGEST))
                body = ours.recv_bytes(_LONGEST)
            except (EOFError, OSError):
                yield "cannot be read: it took too much memory, or ended who read it"
                return
            if "end" in head:
                return
            if "task" in head:
                deadline = time.monotonic() + SECONDS
            yield head, body
    finally:
        ours.close()
        process.kill()
        process.join()


def _child(connection: Connection, theirs: Connection, work: Work, start: int) -> None:
    theirs.close()  # so that it ends when nobody listens any more
    _bound_memory()
    try:
        for head, body in work(start):
            connection.send_bytes(json.dumps(head).encode())
            connection.send_bytes(body)
        connection.send_bytes(b'{"end": 1}')
        connection.send_bytes(b"")
    except BaseException:  # noqa: BLE001 - whoever waits is told by the pipe's end
        os._exit(1)
    os._exit(0)


def _bound_memory() -> None:
    import resource  # noqa: PLC0415 - Windows has none, and no fork either

    with suppress(OSError, ValueError):  # macOS counts otherwise, and may refuse
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - as the kernel names it
            pages = int(file.read().split()[0])
        limit = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
