"""Watch your own consumers at work.

python exercises/02/demo.py tail taxi_events.jsonl
python exercises/02/demo.py socket
"""

from __future__ import annotations

import argparse
import errno
import sys
from typing import Any

from tail_pipe import tail_consumer
from tcp_socket import socket_consumer

from grader.host.ports import holder
from grader.host.standard_streams import printable
from grader.learn.demo import not_filled_in


def main() -> int:
    """Print a line for each event; exit code 1 when nothing came, or nothing could."""
    parser = argparse.ArgumentParser(description="Consume trips with your own functions.")
    ways = parser.add_subparsers(dest="way", required=True)
    tail = ways.add_parser("tail", help="follow a file with tail_consumer()")
    tail.add_argument("path", help="the file that the event generator writes")
    listen = ways.add_parser("socket", help="listen with socket_consumer()")
    listen.add_argument("--host", default="localhost")
    listen.add_argument("--port", type=int, default=9999)
    listen.add_argument("--timeout", type=float, default=30.0, help="seconds (default 30)")
    for way in (tail, listen):
        way.add_argument("--count", type=int, default=15, help="stop after that many (default 15)")
    options = parser.parse_args()
    events = 0

    def handle(event: dict[str, Any]) -> None:
        nonlocal events
        events += 1
        zone, fare = event["pickup_zone"], event["fare_estimate"]
        print(f"[{options.way}] event {events:2}: {zone:<13} ${fare:.2f}", flush=True)

    def ready() -> None:
        print(f"listening on {options.host}:{options.port}; start the producer now", flush=True)

    try:
        if options.way == "tail":
            count = tail_consumer(options.path, handle, max_events=options.count)
        else:
            count = socket_consumer(
                handle,
                host=options.host,
                port=options.port,
                max_events=options.count,
                timeout=options.timeout,
                ready=ready,
            )
    except NotImplementedError as error:
        print(not_filled_in(error), file=sys.stderr)
        return 1
    except TimeoutError:
        print(f"nothing came for {options.timeout:g} s, after {events} events", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        print(
            f"port {options.port} is taken by {holder(options.port)}\n"
            "End that, or choose another port here and for the producer: --port 9998",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print(f"stopped after {events} events", file=sys.stderr)
        return 130
    print(f"{count} events")
    return 0


if __name__ == "__main__":
    with printable():
        sys.exit(main())
