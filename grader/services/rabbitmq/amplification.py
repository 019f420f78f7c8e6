"""How many copies a submission lets the broker make of one message.

Dead letters go through exchanges: queues that share one, and dead-letter in turn, multiply messages
without end inside the broker, which all share. Routes are seen as they are declared. A queue that
keeps what it gets, as dead-letter queues do, ends a route and does not count. Source: the AMQP
0-9-1 specification, 1.6.2 (exchange.declare), 1.7.2.1 (queue.declare) and 1.7.2.3 (queue.bind).
"""

from __future__ import annotations

from collections import defaultdict

MOST = 8
"""Copies besides the first, of all exchanges together. Exercises need none."""
_EXCHANGE, _EXCHANGE_BIND, _QUEUE, _BIND = (40, 10), (40, 30), (50, 10), (50, 20)
_ONWARD = b"x-dead-letter-exchange"
_NAMED_BY_SERVER = b"amq.gen-"
_DIRECT = {b"", b"amq.direct"}
"""Exchanges that compare routing keys and were there before."""


class Copies:
    """What the methods of a submission's connections, one after the other, amount to."""

    def __init__(self) -> None:
        self._direct = set(_DIRECT)
        self._queues: defaultdict[tuple[bytes, bytes], set[bytes]] = defaultdict(set)
        self._onward: set[bytes] = set()
        """Queues whose dead letters go on."""
        self._nameless = 0
        self._between = 0
        """Bindings between exchanges."""

    @property
    def count(self) -> int:
        """Copies besides the first that the bindings so far can make of a message, at most."""
        onward = (len(queues & self._onward) for queues in self._queues.values())
        return self._between + sum(number - 1 for number in onward if number)

    def see(self, payload: bytes) -> None:
        """Take note of a method frame's payload."""
        method = (int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:4], "big"))
        if method == _EXCHANGE_BIND:
            self._between += 1
        elif method == _QUEUE and _ONWARD in payload:
            self._onward.update(_words(payload, 1))
        elif method == _EXCHANGE:
            name, kind = _words(payload, 2)
            if kind == b"direct":
                self._direct.add(name)
        elif method == _BIND:
            queue, exchange, key = _words(payload, 3)
            if not queue:  # the one that was declared last
                self._nameless += 1
                queue = _NAMED_BY_SERVER + b"\0%d" % self._nameless
            if queue.startswith(_NAMED_BY_SERVER):
                self._onward.add(queue)
            self._queues[exchange, key if exchange in self._direct else b""].add(queue)


def _words(payload: bytes, count: int) -> list[bytes]:
    """The short strings after the method's number and a reserved one; cut short, empty ones."""
    words, at = [], 6
    for _ in range(count):
        length = payload[at] if at < len(payload) else 0
        words.append(payload[at + 1 : at + 1 + length])
        at += 1 + length
    return words
