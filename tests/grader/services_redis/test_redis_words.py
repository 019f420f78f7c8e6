"""What a client and a server of Redis say: cut into commands and replies, and what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from grader.services.redis.commands import (
    MAX_COMMAND,
    Command,
    CommandReader,
    ProtocolError,
    encode,
)
from grader.services.redis.replies import ReplyReader


def test_commands_are_cut_at_any_byte() -> None:
    """However the bytes arrive, the same commands come out, with the bytes that they came in."""
    wanted = [(b"PUBLISH", b"trips", b"a\r\n*1\r\n"), (b"PING",), (b"SET", b"", b"\x00\xff")]
    data = b"".join(encode(*words) for words in wanted)
    for size in range(1, len(data) + 1):
        reader = CommandReader()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        found = [command for piece in pieces for command in reader.feed(piece)]
        assert [command.words for command in found] == wanted
        assert b"".join(command.raw for command in found) == data


def test_a_word_is_looked_at_once_however_slowly_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte at a time costs no look at all the words that came before it."""
    looks = 0
    look = CommandReader._number  # noqa: SLF001 - to count

    def counted(*args: Any) -> Any:
        nonlocal looks
        looks += 1
        return look(*args)

    monkeypatch.setattr(CommandReader, "_number", counted)
    words = [b"EXISTS", *[b"k"] * 1000]
    reader = CommandReader()
    data = encode(*words)
    found = [each for at in range(len(data)) for each in reader.feed(data[at : at + 1])]
    assert [each.words for each in found] == [tuple(words)]
    assert looks < 2 * len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"PING\r\n",
        b"*one\r\n$4\r\nPING\r\n",
        b"*1\r\n:4\r\nPING\r\n",
        b"*1\r\n$-1\r\n",
        b"*99999\r\n",
        b"*1\r\n$%d\r\n" % (MAX_COMMAND + 1),
        b"*1" * 40,
    ],
)
def test_what_is_no_command_is_refused(data: bytes) -> None:
    """Inline commands, wrong types, and sizes that would cost the grader its memory."""
    with pytest.raises(ProtocolError):
        list(CommandReader().feed(data))


def test_a_command_may_not_grow_for_ever() -> None:
    """Many words that are small enough each are too large together."""
    reader = CommandReader()
    word = b"$%d\r\n%s\r\n" % (1 << 20, b"x" * (1 << 20))
    list(reader.feed(b"*100\r\n"))
    with pytest.raises(ProtocolError):
        for _ in range(MAX_COMMAND // len(word) + 2):
            list(reader.feed(word))


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        ((b"publish", b"trips", b"x"), True),
        ((b"CLIENT", b"setinfo", b"LIB-NAME", b"redis-py"), True),
        ((b"CLIENT", b"KILL", b"ID", b"1"), False),
        ((b"CLIENT",), False),
        ((b"CONFIG", b"SET", b"dir", b"/"), False),
        ((b"EVAL", b"while true do end", b"0"), False),
        ((b"SETRANGE", b"key", b"500000000", b"x"), False),
        ((b"FLUSHALL",), False),
        ((), False),
        ((b"COMMAND",), True),
        ((b"XCLAIM", b"s", b"g", b"x" * 512, b"0", b"1-0"), True),
        ((b"XCLAIM", b"s", b"g", b"x" * 513, b"0", b"1-0"), False),  # told with all that it holds
        ((b"XGROUP", b"CREATE", b"s", b"x" * 10_000, b"0"), False),
        ((b"XADD", b"s", b"*", b"event", b"x" * 10_000), True),
        ((b"COMMAND", b"LIST", b"FILTERBY", b"PATTERN", b"*a*a*a*b"), False),
    ],
)
def test_only_harmless_commands_are_allowed(words: tuple[bytes, ...], *, allowed: bool) -> None:
    """Pub/Sub and plain data; nothing that administers the server or makes much of little."""
    assert Command(words, b"").allowed is allowed


@pytest.mark.parametrize("name", [b"PSUBSCRIBE", b"PUNSUBSCRIBE", b"PUBSUB CHANNELS", b"SUBSCRIBE"])
def test_a_pattern_costs_little_time(name: bytes) -> None:
    """With many stars, or against a long name, matching takes a power of its length."""
    words = tuple(name.split())
    assert Command((*words, b"trips-*", b"[a-c]?x*y*"), b"").allowed
    assert not Command((*words, b"ok", b"*a" * 20), b"").allowed
    assert not Command((*words, b"x" * 10_000), b"").allowed


@pytest.mark.parametrize("name", [b"PUBLISH", b"SPUBLISH"])
def test_a_message_may_be_long_and_its_channels_name_may_not(name: bytes) -> None:
    """The name is matched against every pattern, the message against none."""
    assert Command((name, b"trips", b"*" * 10_000), b"").allowed
    assert not Command((name, b"x" * 10_000, b"1"), b"").allowed


def test_a_forbidden_command_is_answered_in_its_turn() -> None:
    """It is replaced, not dropped: on a real server the answers around it keep their places."""
    refused = encode(b"FLUSHALL")
    (command,) = CommandReader().feed(refused)
    (instead,) = CommandReader().feed(command.refused())
    assert not instead.allowed
    assert instead.words[1:] == (b"FLUSHALL",)


REPLIES = [
    *(b"+OK\r\n", b"-ERR no\r\n", b":-7\r\n", b"_\r\n", b"#t\r\n", b",1.5\r\n"),
    *(b"$5\r\na\r\nb*\r\n", b"$0\r\n\r\n", b"$-1\r\n", b"*-1\r\n", b"*0\r\n", b"%0\r\n"),
    b"*3\r\n$9\r\nsubscribe\r\n$5\r\ntrips\r\n:1\r\n",
    b">3\r\n+message\r\n$5\r\ntrips\r\n=5\r\ntxt:1\r\n",
    b"%2\r\n+server\r\n*2\r\n:1\r\n~1\r\n:2\r\n+proto\r\n:3\r\n",
    b"|1\r\n+ttl\r\n:9\r\n*2\r\n:1\r\n$1\r\n2\r\n",
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_replies_go_on_whole(size: int) -> None:
    """However a server's bytes arrive, nothing goes on before the last byte of its reply."""
    data = b"".join(REPLIES)
    ends = {sum(map(len, REPLIES[: n + 1])) for n in range(len(REPLIES))}
    reader, sent = ReplyReader(), b""
    for at in range(0, len(data), size):
        ready = reader.feed(data[at : at + size])
        sent += ready
        assert not ready or len(sent) in ends
    assert sent == data
