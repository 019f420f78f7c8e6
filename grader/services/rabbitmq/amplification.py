"""What a submission makes the broker keep, and how many copies of a message it lets it make.

The broker is shared by all. Queues that share an exchange and dead-letter in turn multiply messages
without end inside it; a CC or BCC header names more queues, for each dead letter again. Consumers,
bindings and channels take memory there that no queue's limit counts. Everything is seen as it
is declared. A queue that keeps what it gets, as dead-letter queues do, ends a route.

Sources: the AMQP 0-9-1 specification, 1.6.2 (exchange.declare), 1.7.2.1 (queue.declare), 1.7.2.3
(queue.bind), 2.3.5.2 (content header); rabbitmq.com/docs/sender-selected; rabbit_binary_parser.erl.
"""

from __future__ import annotations

import struct
from collections import defaultdict

MAX_EXTRA_COPIES = 3
"""Copies besides the first, of all exchanges together. Exercises need none."""
_CHANNEL, _EXCHANGE, _EXCHANGE_BIND = (20, 10), (40, 10), (40, 30)
_QUEUE, _BIND, _CONSUME = (50, 10), (50, 20), (60, 20)
_KEEPS = {_CHANNEL, _EXCHANGE, _EXCHANGE_BIND, _QUEUE, _BIND, _CONSUME}
"""Methods for each of which the broker keeps something."""
_KEPT = 16_000
"""Bytes that each of them counts for: more than it takes, and some thousands are enough."""
_MESSAGE = 600
"""Bytes that it keeps for a message, or a copy of one, besides its body."""
_PRIORITY = 20_000
"""Bytes that a queue takes for each priority that it knows."""
_MOST_PRIORITIES = 255
_ONWARD = b"x-dead-letter-exchange"
_PRIORITIES = b"x-max-priority"
_NAMED_BY_SERVER = b"amq.gen-"
_COMPARES_KEYS = {b"direct", b"topic"}
"""Types of exchanges that compare routing keys."""
_BUILT_IN = {b"": b"direct", b"amq.direct": b"direct", b"amq.topic": b"topic"}
"""Exchanges of those types that were there before."""
_CONTENT_TYPE, _CONTENT_ENCODING, _HEADERS = 1 << 15, 1 << 14, 1 << 13
"""Bits of a content header that say which properties follow, in this order."""
_MORE_FLAGS = 1
_MULTIPLIES = {b"CC", b"BCC"}
_SIZES = {
    **dict.fromkeys(b"tbB", 1),
    **dict.fromkeys(b"sUu", 2),
    **dict.fromkeys(b"Iif", 4),
    **dict.fromkeys(b"LldT", 8),
    ord("D"): 5,
    ord("V"): 0,
}
"""Bytes of a table's value, by its type."""
_WITH_LENGTH = b"SxFA"
"""Types of values that begin with their length, in four bytes."""


class AmplificationGuard:
    """The count of the copies that a submission's methods, one after the other, amount to."""

    def __init__(self) -> None:
        self._kinds: defaultdict[bytes, set[bytes]] = defaultdict(set)
        """The types that each exchange was ever declared as: a declaration may be refused."""
        self._kinds.update({name: {kind} for name, kind in _BUILT_IN.items()})
        self._queues: defaultdict[bytes, defaultdict[bytes, set[bytes]]] = defaultdict(
            lambda: defaultdict(set)
        )
        """What is bound to each exchange, by routing key."""
        self._onward: set[bytes] = set()
        """Queues whose dead letters go on."""
        self._nameless = 0
        self._between = 0
        """Bindings between exchanges."""
        self._fan = 1
        self.count = 0
        """Copies besides the first that the bindings so far can make of a message, at most."""
        self.cost = 0
        """Bytes, about, that the broker keeps besides those that were sent."""
        self.multiplies = False
        """Whether a message named more queues than its routing key does, or hid what it names."""

    def see(self, payload: bytes) -> None:
        """Take note of a method frame's payload."""
        method = (int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:4], "big"))
        if method not in _KEEPS:
            return
        self.cost += _KEPT
        if method in (_CHANNEL, _CONSUME):
            return
        if method == _EXCHANGE_BIND:
            self._between += 1
        elif method == _QUEUE:
            self._declare(payload)
        elif method == _EXCHANGE:
            name, kind = _words(payload, 2)
            self._kinds[name].add(kind)
        elif method == _BIND:
            queue, exchange, key = _words(payload, 3)
            if not queue:  # the one that was declared last
                self._nameless += 1
                queue = _NAMED_BY_SERVER + b"\0%d" % self._nameless
            if queue.startswith(_NAMED_BY_SERVER):
                self._onward.add(queue)
            self._queues[exchange][key].add(queue)
        self._count()

    def see_header(self, payload: bytes) -> None:
        """Take note of a content header's payload: of a message that is published."""
        size = int.from_bytes(payload[4:12], "big")
        self.cost += self._fan * (_MESSAGE + size) - size
        self.multiplies |= _names_more_queues(payload)

    def _declare(self, payload: bytes) -> None:
        if _ONWARD in payload:
            self._onward.update(_words(payload, 1))
        at = payload.find(_PRIORITIES)
        if at >= 0:
            at += len(_PRIORITIES)
            size = _SIZES.get(payload[at], 8) if at < len(payload) else 0
            number = int.from_bytes(payload[at + 1 : at + 1 + size], "big")
            self.cost += _PRIORITY * min(number, _MOST_PRIORITIES)

    def _count(self) -> None:
        groups = [group for name in self._queues for group in self._groups(name)]
        onward = (len(group & self._onward) for group in groups)
        self.count = self._between + sum(number - 1 for number in onward if number)
        self._fan = max(map(len, groups), default=1) + self._between

    def _groups(self, exchange: bytes) -> list[set[bytes]]:
        """Return the sets of queues of which a message to that exchange reaches one."""
        keys = self._queues[exchange]
        if not self._kinds[exchange] or not self._kinds[exchange] <= _COMPARES_KEYS:
            return [set().union(*keys.values())]
        is_direct = self._kinds[exchange] == {b"direct"}
        wild = {key for key in keys if not is_direct and (b"*" in key or b"#" in key)}
        everywhere: set[bytes] = set().union(*(keys[key] for key in wild))
        exact = [keys[key] | everywhere for key in keys if key not in wild]
        return exact or [everywhere]


def _words(payload: bytes, count: int) -> list[bytes]:
    """Return the short strings after the method's number and a reserved one; or empty ones."""
    words, at = [], 6
    for _ in range(count):
        length = payload[at] if at < len(payload) else 0
        words.append(payload[at + 1 : at + 1 + length])
        at += 1 + length
    return words


def _names_more_queues(payload: bytes) -> bool:
    """Tell whether a content header has a CC or BCC, or cannot be read to its end."""
    try:
        (flags,) = struct.unpack_from(">H", payload, 12)
        if flags & _MORE_FLAGS:
            return True  # no property is so far down the list
        at = 14
        for flag in (_CONTENT_TYPE, _CONTENT_ENCODING):
            if flags & flag:
                at += 1 + payload[at]
        if not flags & _HEADERS:
            return False
        (length,) = struct.unpack_from(">I", payload, at)
        at += 4
        end = at + length
        while at < end:
            name = payload[at + 1 : at + 1 + payload[at]]
            if name in _MULTIPLIES:
                return True
            at += 1 + payload[at]
            kind, at = payload[at], at + 1
            at += _SIZES[kind] if kind not in _WITH_LENGTH else 4 + _length(payload, at)
    except (struct.error, IndexError, KeyError):
        return True
    return bool(at != end)


def _length(payload: bytes, at: int) -> int:
    (length,) = struct.unpack_from(">I", payload, at)
    return int(length)
