"""Inputs for the front of Redis, and for the server behind it."""

from __future__ import annotations

import contextlib
import socket
import time
from functools import cache

from hypothesis import strategies as st

from benchmarks.fuzz.target import Target
from grader.services.redis.choice import find_redis
from grader.services.redis.commands import CommandReader, ProtocolError, encode
from grader.services.redis.replies import ReplyReader
from grader.services.redis.service import RedisService

_NAMES = (
    "SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE SSUBSCRIBE PUBLISH PUBSUB HELLO CLIENT COMMAND INFO MULTI "
    "EXEC DISCARD WATCH RESET SELECT ECHO SET GET SETEX INCR LPUSH LRANGE LREM LTRIM BLPOP SADD "
    "SMEMBERS HSET HGETALL XADD XREAD XREADGROUP XGROUP XRANGE XTRIM XDEL "
    "XACK XPENDING XCLAIM XAUTOCLAIM XINFO DEBUG EVAL KEYS"
)
_WORDS = st.sampled_from(
    [
        *(
            b"0",
            b"-1",
            b"1",
            b"99999999999999999999",
            b"1e400",
            b"nan",
            b"*",
            b"k",
            b"$",
            b">",
            b"-",
        ),
        *(b"+", b"[*", b"NX", b"EX", b"COUNT", b"STREAMS", b"GROUP", b"CREATE", b"MKSTREAM", b"3"),
        *(b"CHANNELS", b"NUMSUB", b"LIST", b"SETNAME", b"MAXLEN", b"~", b"=", b"0-0", b"ID"),
    ]
) | st.binary(max_size=20)
COMMANDS = st.builds(
    lambda name, words: encode(name.encode(), *words),
    st.sampled_from(_NAMES.split()),
    st.lists(_WORDS, max_size=6),
)
_PIECES = COMMANDS | st.binary(max_size=30) | st.sampled_from([b"*1\r\n", b"$-1\r\n", b"\r\n"])
STREAMS = st.tuples(st.lists(_PIECES, max_size=8).map(b"".join), st.integers(1, 40))
_REPLIES = st.sampled_from(
    [b"+OK\r\n", b":1\r\n", b"$2\r\nab\r\n", b"*2\r\n", b"%1\r\n", b"$-1\r\n", b"|1\r\n", b">3\r\n"]
)


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _commands(pieces: list[bytes]) -> tuple[list[tuple[bytes, ...]], str]:
    reader, found = CommandReader(), []
    try:
        for piece in pieces:
            for command in reader.feed(piece):
                assert encode(*command.words) == command.raw or command.words == ()
                assert len(command.in_words()) < 200
                assert command.refused().startswith(b"*2")
                found.append(command.words)
    except ProtocolError as error:
        return found, str(error)
    return found, ""


def _is_read_however_it_is_cut(stream: tuple[bytes, int]) -> None:
    data, size = stream
    assert _commands(_cut(data, size)) == _commands([data])


def _replies_come_whole(stream: tuple[bytes, int]) -> None:
    data, size = stream
    cut, whole = ReplyReader(), ReplyReader()
    assert b"".join(map(cut.feed, _cut(data, size))) == whole.feed(data)


@cache
def _service() -> tuple[RedisService, tuple[str, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    service = RedisService(find_redis(own=False).make())
    service.attach(listener, listener.getsockname()[1])
    return service, listener.getsockname()


def _server_goes_on(stream: tuple[bytes, int]) -> None:
    """Whatever one client says, the next is served at once."""
    data, size = stream
    service, address = _service()
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=2) as client:
        for piece in _cut(data, max(size, len(data) // 4, 1)):
            client.sendall(piece)
        client.settimeout(0.01)
        client.recv(1 << 16)
    begin = time.monotonic()
    service.check()
    assert time.monotonic() - begin < 2, "the server did not answer for 2 s"
    service.client.flushall()
    if service.exceeded:
        service.close()
        _service.cache_clear()


TARGETS = (
    Target("redis-commands", STREAMS, _is_read_however_it_is_cut),
    Target(
        "redis-replies",
        st.tuples(st.lists(_REPLIES | st.binary(max_size=9)).map(b"".join), st.integers(1, 9)),
        _replies_come_whole,
    ),
    Target("redis-server", STREAMS, _server_goes_on, 60),
)
