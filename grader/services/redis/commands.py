"""What a client says to Redis, command by command, and which of it a submission may say.

Source: redis.io/docs/latest/develop/reference/protocol-spec (requests are arrays of bulk strings).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MAX_COMMAND = 4 << 20
"""Bytes; a longer command is not read to its end."""
_MAX_WORDS = 4096
_MAX_HEADER = 32
"""Bytes that a count or length may take, its newline included."""

_CONNECTION = "HELLO PING ECHO QUIT RESET SELECT TIME COMMAND INFO MULTI EXEC DISCARD WATCH UNWATCH"
_PUBSUB = (
    "SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE SSUBSCRIBE SUNSUBSCRIBE PUBLISH SPUBLISH PUBSUB"
)
# Plain data: nobody needs it here, and whoever uses it is judged by what comes of it. Left out is
# what makes much of little (SETRANGE, COPY, the STORE family), runs a program in the server, which
# nothing bounds (EVAL, FCALL), or administers it.
_DATA = (
    "GET SET SETNX SETEX GETDEL DEL EXISTS EXPIRE TTL TYPE INCR INCRBY DECR "
    "LPUSH RPUSH LPOP RPOP BLPOP BRPOP LLEN LRANGE LREM LTRIM "
    "SADD SREM SISMEMBER SMEMBERS SCARD HSET HGET HGETALL HDEL HEXISTS HINCRBY "
    "XADD XREAD XREADGROUP XACK XGROUP XLEN XRANGE XREVRANGE XDEL XTRIM "
    "XPENDING XCLAIM XAUTOCLAIM XINFO"
)
_WHOLLY = frozenset(f"{_CONNECTION} {_PUBSUB} {_DATA}".split())
_OF_CLIENT = frozenset(
    ["SETINFO", "SETNAME", "GETNAME", "ID", "INFO", "MAINT_NOTIFICATIONS", "TRACKINGINFO"]
)
_NAMING = frozenset(_PUBSUB.split())
"""What takes names of channels, or patterns of them."""
_MAX_NAME = 512
"""Bytes of a channel's name or of a pattern, of a group's and of a consumer's."""
_OF_GROUPS = frozenset(["XGROUP", "XREADGROUP", "XCLAIM", "XAUTOCLAIM"])
"""Commands that make groups and consumers, whose names stand in each pending entry."""
_BEFORE_OPTIONS = {"XAUTOCLAIM": 6, "XCLAIM": 5, "XRANGE": 4, "XREVRANGE": 4}
"""How many words come before the options; others have them from the first word on."""
_MAX_STARS = 2
"""In a pattern: fakeredis makes a regular expression of it; each star multiplies its time."""
_MOST_WORDS, _LONGEST = 12, 120
"""Of a command in a log: words, and characters."""
REFUSED = "NOT-PART-OF-THE-EXERCISE"
"""A command that no server knows, sent in place of a forbidden one: its error keeps the order."""


class ProtocolError(Exception):
    """The client sent something that is not a command, or a larger one than is read."""


@dataclass(frozen=True)
class Command:
    """One command and the bytes that it came in."""

    words: tuple[bytes, ...]
    raw: bytes

    @property
    def name(self) -> str:
        """In capitals."""
        return self.words[0].decode("latin-1").upper() if self.words else ""

    @property
    def allowed(self) -> bool:
        """Tell whether a submission may use it: it neither administers the server nor floods it."""
        if self.name == "CLIENT":
            return len(self.words) > 1 and self.words[1].upper().decode("latin-1") in _OF_CLIENT
        if self.name == "COMMAND":  # COMMAND LIST takes a pattern
            return [word.upper() for word in self.words[1:]] in ([], [b"COUNT"])
        if self.name in _NAMING and not all(map(_is_cheap, self._names)):
            return False
        if self.name in _OF_GROUPS and max(map(len, self.words)) > _MAX_NAME:
            return False
        return self.name in _WHOLLY

    @property
    def _names(self) -> tuple[bytes, ...]:
        """The names of channels and the patterns in it; of PUBLISH the message is none."""
        return self.words[1:2] if self.publishes else self.words[1:]

    @property
    def subscribes(self) -> bool:
        """Tell whether it asks for copies of messages, one for each of its arguments."""
        return self.name in ("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE")

    @property
    def publishes(self) -> bool:
        """Tell whether the server makes copies of it for who subscribed."""
        return self.name in ("PUBLISH", "SPUBLISH")

    @property
    def answered_once(self) -> bool:
        """Tell whether the server gives it one answer; a subscription has one for each name."""
        return not self.name.endswith("SUBSCRIBE")

    def option(self, name: str) -> bytes | None:
        """Return the word after the option `name`, such as COUNT; None where it has no such one.

        Of one that is said twice the last counts, as for the server.
        """
        last = None
        for word, after in self._options():
            if word == name.upper().encode():
                last = after
        return last

    def has_flag(self, name: str) -> bool:
        """Tell whether the option `name`, which takes no value, is among its options."""
        return any(word == name.upper().encode() for word, _ in self._options())

    def _options(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield each word where an option may stand, in capitals, and the word after it.

        What comes after GROUP and after STREAMS are names and ids, whatever they are called.
        """
        words = iter(range(_BEFORE_OPTIONS.get(self.name, 1), len(self.words)))
        for at in words:
            word = self.words[at].upper()
            if word == b"STREAMS":
                return
            if word == b"GROUP":  # its name and the consumer's
                next(words, None)
                next(words, None)
            yield word, self.words[at + 1] if at + 1 < len(self.words) else None

    def in_words(self) -> str:
        """Return its name and its first argument, of a stream's all that fit, for a log."""
        most = _MOST_WORDS if self.name.startswith("X") else 1
        words = [word[:60].decode("utf-8", "replace") for word in self.words[1 : 1 + most]]
        return " ".join([self.name[:20], *words])[:_LONGEST]

    def refused(self) -> bytes:
        """Return what to send instead: the server answers that it does not know the command."""
        return encode(REFUSED.encode(), self.words[0][:64] if self.words else b"")


def _is_cheap(name: bytes) -> bool:
    """Tell whether matching it takes little time, as a pattern and against one."""
    return len(name) <= _MAX_NAME and name.count(b"*") <= _MAX_STARS


def encode(*words: bytes) -> bytes:
    """Return a command as it goes over the wire."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


class CommandReader:
    """Cuts commands out of a client's bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._count: int | None = None
        """Words of the command at hand; None before it has said so."""
        self._words: list[bytes] = []
        """Those of them that have come: nothing is looked at twice, however it is cut."""
        self._at = 0
        """Where the next one begins."""

    def feed(self, data: bytes) -> Iterator[Command]:
        """Yield the commands that are complete now.

        Raises:
            ProtocolError: what came is no command, or too large a one.
        """
        self._buffer += data
        while self._is_complete():
            raw, words = bytes(self._buffer[: self._at]), tuple(self._words)
            del self._buffer[: self._at]
            self._count, self._at = None, 0
            self._words.clear()
            yield Command(words, raw)
        if len(self._buffer) > MAX_COMMAND:
            raise ProtocolError(f"a command of more than {MAX_COMMAND} bytes")

    def _is_complete(self) -> bool:
        """Read on in the command at hand; tell whether all of it has come."""
        if self._count is None:
            head = self._number(b"*", 0)
            if head is None:
                return False
            self._count, self._at = head
            if self._count > _MAX_WORDS:
                raise ProtocolError(f"a command of {self._count} words")
        while len(self._words) < self._count:
            head = self._number(b"$", self._at)
            if head is None:
                return False
            length, begin = head
            if length > MAX_COMMAND:
                raise ProtocolError(f"a word of {length} bytes")
            end = begin + length
            if len(self._buffer) < end + 2:
                return False
            self._words.append(bytes(self._buffer[begin:end]))
            self._at = end + 2
        return True

    def _number(self, kind: bytes, at: int) -> tuple[int, int] | None:
        """Return the count or length that begins at `at`, and where its line ends."""
        start = bytes(self._buffer[at : at + _MAX_HEADER])
        end = start.find(b"\r\n")
        if end < 0 and len(start) < _MAX_HEADER and kind.startswith(start[:1]):
            return None
        digits = start[1 : max(end, 1)]
        if start[:1] != kind or not digits.isdigit():
            raise ProtocolError("not a Redis command")
        return int(digits), at + end + 2
