"""Watch your own `poll` at work.

python exercises/01/demo.py taxi_events.jsonl
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from polling import poll

from grader.host.standard_streams import printable
from grader.learn.demo import not_filled_in


def main() -> int:
    """Poll a file and print a line for each event; exit code 1 when poll is not written yet."""
    parser = argparse.ArgumentParser(description="Poll a file of trips with your own poll().")
    parser.add_argument("path", help="the file that the event generator writes")
    parser.add_argument("--poll-interval", type=float, default=2.0, help="seconds (default 2)")
    parser.add_argument("--max-polls", type=int, default=10, help="how often to look (default 10)")
    parser.add_argument("--offset-path", help="keep the offset in this file, to go on from later")
    options = parser.parse_args()
    polls, events = 1, 0

    def handle(event: dict[str, Any]) -> None:
        nonlocal events
        events += 1
        zone, fare = event["pickup_zone"], event["fare_estimate"]
        print(f"[poll {polls:2}] event {events:2}: {zone:<13} ${fare:.2f}", flush=True)

    def sleep(seconds: float) -> None:
        nonlocal polls
        time.sleep(seconds)
        polls += 1

    try:
        count = poll(
            options.path,
            handle,
            poll_interval=options.poll_interval,
            max_polls=options.max_polls,
            offset_path=options.offset_path,
            sleep=sleep,
        )
    except NotImplementedError as error:
        print(not_filled_in(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped after {events} events", file=sys.stderr)
        return 130
    print(f"{count} events in {polls} polls")
    return 0


if __name__ == "__main__":
    with printable():
        sys.exit(main())
