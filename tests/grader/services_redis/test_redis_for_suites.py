"""What a suite asks of the Redis that a submission talks to."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest
import redis
from redis_lab import SECONDS, attach, connect, needs_server

from grader.services.redis.commands import Command, CommandReader, encode
from grader.services.redis.replies import ReplyReader
from grader.services.redis.server import EmbeddedServer
from grader.services.redis.service import RedisService
from grader.services.redis.watch import MOST_SEEN, Recording


@needs_server
def test_a_consumer_can_be_stopped_before_any_command(service: RedisService) -> None:
    """Also between MULTI and EXEC: what came before it was executed, it and the rest are not."""
    entry = service.client.xadd("s", {"event": "1"})
    service.client.xgroup_create("s", "g", id="0")
    service.client.xreadgroup("g", "a", {"s": ">"})
    seen = []
    for number in range(1, 8):
        with service.recording() as said, service.stopped_before(number) as watch:
            mover = threading.Thread(target=_move, args=(service, entry))
            mover.start()
            if not watch.reached.wait(0.0 if number > 5 else SECONDS):
                mover.join(SECONDS)
                stopped = ""
            else:
                assert watch.command is not None
                stopped = watch.command.name
            pending = service.client.xpending("s", "g")["pending"]
            seen.append((stopped, pending, service.client.xlen("s.dead")))
        mover.join(SECONDS)
        assert not mover.is_alive()
        names = [command.name for command in said.commands()]
        assert names == ["SET", "MULTI", "XADD", "XACK", "EXEC"][: number if stopped else 5]
        if not stopped:
            break
        assert service.client.get("began") == (b"1" if number > 1 else None)
    assert seen == [
        ("SET", 1, 0),
        ("MULTI", 1, 0),
        ("XADD", 1, 0),
        ("XACK", 1, 0),
        ("EXEC", 1, 0),
        ("", 0, 1),
    ]


def _move(service: RedisService, entry: object) -> None:
    with contextlib.suppress(redis.ConnectionError), connect(service) as client:
        client.set("began", "1")
        with client.pipeline(transaction=True) as move:
            move.xadd("s.dead", {"event": "1"})
            move.xack("s", "g", entry)  # type: ignore[arg-type]
            move.execute()


@needs_server
def test_a_stopped_pipeline_was_executed_up_to_there(service: RedisService) -> None:
    """All of it comes in one packet; the commands before are answered when the test may look."""
    with service.stopped_before(501, "LPUSH") as watch:

        def count() -> None:
            with contextlib.suppress(redis.ConnectionError), connect(service) as client:
                pipeline = client.pipeline(transaction=False)
                for _ in range(1000):
                    pipeline.lpush("l", 1)
                pipeline.execute()

        counting = threading.Thread(target=count)
        counting.start()
        assert watch.reached.wait(SECONDS)
        assert service.client.llen("l") == 500
    counting.join(SECONDS)
    assert service.client.llen("l") == 500


@needs_server
def test_a_blocked_reader_is_woken_and_one_that_left_gets_nothing(service: RedisService) -> None:
    """An entry goes to who waits; the server knows that a client has gone when the suite does."""
    service.client.xgroup_create("s", "g", id="0", mkstream=True)
    got: list[object] = []
    with service.recording() as said, connect(service) as client:
        reader = threading.Thread(
            target=lambda: got.append(client.xreadgroup("g", "a", {"s": ">"}, count=3, block=4000))
        )
        reader.start()
        while not service.client.info("clients")["blocked_clients"]:
            time.sleep(0.002)
        begin = time.monotonic()
        service.client.xadd("s", {"event": "1"})
        reader.join(SECONDS)
        assert time.monotonic() - begin < 2
        assert len(got) == 1
        assert got[0]
    (read,) = said.commands("XREADGROUP")
    assert read.option("BLOCK") == b"4000"
    assert read.option("count") == b"3"
    assert read.option("NOACK") is None
    assert "BLOCK 4000" in read.in_words()

    with socket.create_connection(("127.0.0.1", service.port), SECONDS) as leaver:
        words = b"XREADGROUP GROUP g gone BLOCK 0 STREAMS s >".split()
        leaver.sendall(encode(*words))
        while not service.client.info("clients")["blocked_clients"]:
            time.sleep(0.002)
    assert service.wait_closed(SECONDS)
    service.client.xadd("s", {"event": "2"})
    assert service.client.xpending_range("s", "g", "-", "+", 9, "gone") == []


def test_an_option_ends_where_names_begin() -> None:
    """A stream may be called BLOCK."""
    (command,) = CommandReader().feed(encode(b"XREAD", b"COUNT", b"2", b"STREAMS", b"BLOCK", b"0"))
    assert command.option("COUNT") == b"2"
    assert command.option("BLOCK") is None


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (b"XREADGROUP GROUP g ana BLOCK 900 COUNT 5 block 1 STREAMS s >", "BLOCK", b"1"),
        (b"XREADGROUP BLOCK 9 GROUP BLOCK COUNT STREAMS s >", "BLOCK", b"9"),
        (b"XREADGROUP BLOCK 9 GROUP BLOCK COUNT STREAMS s >", "COUNT", None),
        (b"XAUTOCLAIM s g COUNT 9 0-0 COUNT 2 COUNT 8", "COUNT", b"8"),
        (b"XRANGE COUNT - + COUNT 3", "COUNT", b"3"),
    ],
)
def test_an_option_is_read_as_the_server_reads_it(
    words: bytes, name: str, value: bytes | None
) -> None:
    """The last one counts; a name is none, whatever it is called."""
    (command,) = CommandReader().feed(encode(*words.split()))
    assert command.option(name) == value


def test_a_flag_is_an_option_and_no_name() -> None:
    """A group may be called NOACK, and ECHO says what it likes."""
    said = {
        b"XREADGROUP GROUP g ana NOACK STREAMS s >": True,
        b"XREADGROUP GROUP NOACK NOACK STREAMS NOACK >": False,
    }
    for words, has in said.items():
        (command,) = CommandReader().feed(encode(*words.split()))
        assert command.has_flag("NOACK") is has


def test_a_recording_tells_that_there_was_more_than_it_keeps() -> None:
    """What a client says by itself takes no place in it."""
    recording = Recording()
    for _ in range(MOST_SEEN):
        recording.see(Command((b"PING",), b""))
        recording.see(Command((b"XADD",), b""))
    assert not recording.overflowed
    recording.see(Command((b"XACK",), b""))
    assert recording.overflowed
    assert len(recording.commands("XADD")) == MOST_SEEN


def test_what_comes_unasked_is_no_answer() -> None:
    """RESP3's push messages are not counted; an attribute belongs to the answer after it."""
    reader = ReplyReader()
    data = b"+OK\r\n>2\r\n+message\r\n$1\r\nx\r\n|1\r\n+ttl\r\n:1\r\n*2\r\n:1\r\n:2\r\n:3\r\n"
    for at in range(len(data)):
        reader.feed(data[at : at + 1])
    assert reader.count == 3


def test_fakeredis_stands_behind_the_same_front() -> None:
    """Exercise 03 and an author on a machine without a server see the same service."""
    service = RedisService(EmbeddedServer())
    attach(service)
    with connect(service) as client, service.recording() as said:
        client.xadd("s", {"event": "1"})
        assert [each.name for each in said.commands()] == ["XADD"]
    assert service.wait_closed(SECONDS)
    service.check()
    service.close()
