"""A simulated server in a process of its own: `python -m grader.compare.server NAME`.

Says its port, and ends when standard input does.
"""

from __future__ import annotations

import os
import socket
import sys
import threading


def main() -> None:
    """Run a server until its input ends; its name, redis or sqs, comes as the one argument."""
    if sys.argv[1] == "redis":
        from fakeredis import TcpFakeServer  # noqa: PLC0415 - each server imports its own

        server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
        port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
    else:
        from grader.services.sqs.service import SqsService  # noqa: PLC0415 - as above

        service = SqsService()
        service.impatient = False  # a long poll waits, as it would elsewhere
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        port = listener.getsockname()[1]
        service.attach(listener, port)
    os.write(1, f"{port}\n".encode())
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)  # their threads would take half a second to stop


if __name__ == "__main__":
    main()
