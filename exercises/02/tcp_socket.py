"""Exercise 02, second half: a TCP server that takes events from one producer.

The lesson is in README.md beside this file. Check your work with `pytest exercises/02`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Event = dict[str, Any]


def split_lines(buffer: bytes, chunk: bytes) -> tuple[list[bytes], bytes]:
    r"""Cut lines out of a byte stream.

    Args:
        buffer: What was left over from the chunks before.
        chunk: What has just arrived; may be empty, end anywhere, and hold many lines.

    Returns:
        The lines that are complete now, without their newline, and what is left over.
        Only the byte 0x0A ends a line. An empty line comes back as `b""`. No byte is lost:
        `split_lines(b"ab", b"c\nd")` is `([b"abc"], b"d")`.
    """
    raise NotImplementedError("join buffer and chunk, and split at the newlines")


def socket_consumer(
    handle: Callable[[Event], None],
    *,
    host: str = "localhost",
    port: int = 9999,
    max_events: int,
    timeout: float = 30.0,
    ready: Callable[[], None] = lambda: None,
) -> int:
    """Listen on `host`:`port`, accept one producer, and handle what it sends.

    Args:
        handle: Called with each event, one JSON object a line, in UTF-8.
        host: The name or address to listen on.
        port: The port to listen on. It must be usable again at once after a run.
        max_events: Return right after that many events were handled.
        timeout: Seconds that each wait may take: for the producer, and for its next bytes.
        ready: Called once, when a producer that connects would be accepted.

    Returns:
        How many events were handled: `max_events`, or fewer when the producer closed before.

    Raises:
        TimeoutError: nobody connected, or the producer was silent, for `timeout` seconds.

    A line that is not a JSON object is skipped, and so is a blank one; a last line without its
    newline is dropped. What `handle` raises leaves this function unchanged. However it ends,
    nothing listens on the port afterwards and the connection is closed.
    """
    raise NotImplementedError("listen, call ready(), accept, and read until enough events came")
