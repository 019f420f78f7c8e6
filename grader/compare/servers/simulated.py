"""A server in a process of its own: `python -m grader.compare.servers.simulated NAME FOLDER`.

fakeredis, moto, or what a kind of another course's own serves its demos with. Says its port and a
note as JSON, or why it did not start, and ends when standard input does.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from grader.errors import GraderError
from grader.host.ports import free_ports
from grader.services.catalog import service_kind


def main() -> None:
    """Run a server until its input ends; arguments: the kind's name, and its folder or nothing."""
    name, folder = sys.argv[1:]
    if folder:
        sys.path.append(folder)
    serve = {"redis": _fakeredis, "sqs": _moto}.get(name, lambda: _demo(name))
    try:
        with serve() as (port, note):
            _say(port=port, note=note)
            while sys.stdin.buffer.read(4096):
                pass
    except GraderError as error:
        _say(error=error.message, help=error.help)
    except OSError as error:
        _say(error=str(error), help="Try again.")
    os._exit(0)  # their threads would take half a second to stop


def _say(**told: object) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")


@contextmanager
def _fakeredis() -> Iterator[tuple[int, str]]:
    from fakeredis import TcpFakeServer  # noqa: PLC0415 - each server imports its own

    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], ""


@contextmanager
def _moto() -> Iterator[tuple[int, str]]:
    from grader.services.sqs.service import SqsService  # noqa: PLC0415 - as above

    service = SqsService()
    service.impatient = False  # a long poll waits, as it would elsewhere
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    port = listener.getsockname()[1]
    service.attach(listener, port)
    yield port, ""


@contextmanager
def _demo(name: str) -> Iterator[tuple[int, str]]:
    kind = service_kind(name)
    (port,) = free_ports(0)
    with kind.demo(port, kind.demo_order()) as details:
        yield port, str(details.get("note", ""))


if __name__ == "__main__":
    main()
