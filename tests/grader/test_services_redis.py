"""Redis as a submission meets it: the service, its front, and what may be said to it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from fakeredis import TcpFakeServer
from redis.backoff import NoBackoff
from redis.retry import Retry

from grader.errors import ServiceError
from grader.services.redis import front
from grader.services.redis.choice import find_redis, installed
from grader.services.redis.commands import (
    MAX_COMMAND,
    Command,
    CommandReader,
    ProtocolError,
    encode,
)
from grader.services.redis.private import PrivateServer
from grader.services.redis.replies import ReplyReader
from grader.services.redis.server import EmbeddedServer, Server
from grader.services.redis.service import RedisService
from grader.services.redis.url import URL_VARIABLE, parse_url

SECONDS = 5.0


# What a client says ------------------------------------------------------------------


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


# The service -------------------------------------------------------------------------


@pytest.fixture(params=["real", "fakeredis"])
def server(request: pytest.FixtureRequest) -> Server:
    """One for a submission, of either kind."""
    if request.param == "fakeredis":
        return EmbeddedServer()
    program = installed()
    if program is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    return PrivateServer(program)


@pytest.fixture
def service(server: Server) -> Iterator[RedisService]:
    """One that is attached to a listener."""
    made = RedisService(server)
    attach(made)
    yield made
    made.close()


def attach(service: RedisService) -> None:
    """Give it a listening socket, as a sandbox would."""
    listener = socket.create_server(("127.0.0.1", 0))
    service.attach(listener, listener.getsockname()[1])


def connect(port: int) -> redis.Redis:
    """A client that says at once when its connection is lost."""
    return redis.Redis(port=port, socket_timeout=SECONDS, retry=Retry(NoBackoff(), 0))


@pytest.fixture
def client(service: RedisService) -> Iterator[redis.Redis]:
    """The student's side."""
    with connect(service.port) as made:
        yield made


def subscribe(client: redis.Redis, *channels: str) -> redis.client.PubSub:
    """A confirmed subscription."""
    pubsub: redis.client.PubSub = client.pubsub()  # type: ignore[no-untyped-call]
    pubsub.subscribe(*channels)
    confirmation = pubsub.get_message(timeout=SECONDS)
    assert confirmation is not None
    return pubsub


def test_events_pass_from_one_client_to_another(service: RedisService, client: redis.Redis) -> None:
    """The suite's trusted client and the student's meet on the same server."""
    pubsub = subscribe(client, "trips")
    assert service.subscribers("trips") == 1
    assert service.client.publish("trips", b"\x00 event") == 1
    message = pubsub.get_message(timeout=SECONDS)
    assert message is not None
    assert message["data"] == b"\x00 event"
    pubsub.close()


def test_subscribers_by_pattern_are_counted(service: RedisService, client: redis.Redis) -> None:
    """PUBSUB NUMSUB alone would not show them."""
    pubsub = client.pubsub()  # type: ignore[no-untyped-call]
    pubsub.psubscribe("tri*")
    pubsub.get_message(timeout=SECONDS)
    assert service.subscribers("trips") == 1
    assert service.subscribers("other") == 0
    pubsub.close()


def test_it_waits_until_nobody_listens(service: RedisService, client: redis.Redis) -> None:
    """Zero once the subscriber has left; how many there are when none leaves in time."""
    pubsub = subscribe(client, "trips")
    assert service.wait_unheard("trips", 0.05) == 1
    pubsub.close()
    assert service.wait_unheard("trips", SECONDS) == 0


def test_a_subscriber_can_leave_between_two_publishes(
    service: RedisService, client: redis.Redis
) -> None:
    """The action runs when the second was answered and the third has not reached the server."""
    pubsub = subscribe(service.client, "trips")

    def leave() -> None:
        pubsub.unsubscribe("trips")
        while (message := pubsub.get_message(timeout=SECONDS)) and message["type"] == "message":
            pass

    with service.before("PUBLISH", number=3, action=leave) as reached:
        assert [client.publish("trips", b"x") for _ in range(2)] == [1, 1]
        assert not reached.is_set()
        assert [client.publish("trips", b"x") for _ in range(2)] == [0, 0]
        assert reached.is_set()
    pubsub.close()


def test_a_command_can_be_held(service: RedisService, client: redis.Redis) -> None:
    """What follows it on the connection waits; other connections do not."""
    go = threading.Event()
    counts: list[object] = []

    def publish() -> None:
        counts.append(client.publish("trips", b"x"))

    with service.before("PUBLISH", action=lambda: go.wait(SECONDS) and None) as reached:
        thread = threading.Thread(target=publish)
        thread.start()
        assert reached.wait(SECONDS)
        assert client.ping()
        assert counts == []
        go.set()
        thread.join(SECONDS)
    assert counts == [0]


def test_a_command_about_another_channel_is_not_held(
    service: RedisService, client: redis.Redis
) -> None:
    """With `argument`, those that have it count, and others pass."""
    with service.before("PUBLISH", action=lambda: None, argument="trips") as reached:
        client.publish("fares", b"trips of others")
        assert not reached.is_set()
        client.publish("trips", b"x")
        assert reached.is_set()


def test_a_transaction_is_not_held(service: RedisService, client: redis.Redis) -> None:
    """Its commands are executed together, so there is no moment between them."""
    with service.before("PUBLISH", action=lambda: None) as reached:
        with client.pipeline() as transaction:
            transaction.publish("trips", b"x")
            assert transaction.execute() == [0]
        assert not reached.is_set()


def test_a_command_of_a_transaction_is_seen_on_request(
    service: RedisService, client: redis.Redis
) -> None:
    """The action is over before the command is queued, so what it did is there at EXEC."""

    def write() -> None:
        service.client.set("scene", b"made")

    with service.before("GET", action=write, in_transactions=True) as reached:
        with client.pipeline() as transaction:
            transaction.get("scene")
            assert transaction.execute() == [b"made"]
        assert reached.is_set()


def test_what_an_action_raises_is_not_lost(service: RedisService, client: redis.Redis) -> None:
    """It runs in another thread, and is the suite's fault: it shows where the suite waits."""

    def fail() -> None:
        raise LookupError("no such subscriber")

    with pytest.raises(LookupError), service.before("PUBLISH", action=fail):
        client.publish("trips", b"x")


def test_a_forbidden_command_never_reaches_the_server(
    service: RedisService, client: redis.Redis
) -> None:
    """The student's code gets an error, and the server has done nothing."""
    service.client.set("kept", b"x")
    for forbidden in (client.flushall, client.flushdb):
        with pytest.raises(redis.RedisError):
            forbidden()
    assert service.client.get("kept") == b"x"


def test_a_forbidden_command_is_answered_in_its_turn() -> None:
    """It is replaced, not dropped: on a real server the answers around it keep their places."""
    refused = encode(b"FLUSHALL")
    (command,) = CommandReader().feed(refused)
    (instead,) = CommandReader().feed(command.refused())
    assert not instead.allowed
    assert instead.words[1:] == (b"FLUSHALL",)


def test_what_is_no_command_ends_the_connection(service: RedisService) -> None:
    """With a word on why."""
    with socket.create_connection(("127.0.0.1", service.port), SECONDS) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with connection.makefile("rb") as answer:
            assert answer.read().startswith(b"-ERR Protocol error")


def test_a_submission_may_send_so_much(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit its connection is cut; the suite's own client is not."""
    monkeypatch.setattr("grader.services.redis.service.MAX_BYTES", 1000)
    service = RedisService(server)
    attach(service)
    with connect(service.port) as client, pytest.raises(redis.ConnectionError):
        client.publish("trips", b"x" * 2000)
    service.check()
    service.close()


def test_a_submission_may_send_so_many_commands(
    service: RedisService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shortest ones cost the most for a byte; who sends too many is served no more."""
    monkeypatch.setattr(front, "_MOST_COMMANDS", 20)
    with connect(service.port) as client, pytest.raises(redis.ConnectionError):
        for _ in range(21):
            client.ping()
    assert service.exceeded
    with connect(service.port) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    service.check()


def test_connections_are_limited(service: RedisService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs threads; one too many is cut at once."""
    monkeypatch.setattr(front, "_MAX_CONNECTIONS", 2)
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            client = stack.enter_context(connect(service.port))
            client.ping()
        extra = stack.enter_context(connect(service.port))
        with pytest.raises(redis.ConnectionError):
            extra.ping()


def test_subscriptions_are_limited(
    service: RedisService, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all connections together; when one has gone there is room again."""
    monkeypatch.setattr(front, "_MAX_SUBSCRIPTIONS", 3)
    first = subscribe(client, "a", "b")
    with pytest.raises(redis.ConnectionError):
        subscribe(client, "c", "d")
    first.close()
    assert service.wait_unheard("a", SECONDS) == 0
    subscribe(client, "c", "d", "e")


def test_a_copy_for_each_subscription_counts(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server keeps what subscribers do not read: ten copies are ten times as much."""
    monkeypatch.setattr("grader.services.redis.service.MAX_BYTES", 20_000)
    service = RedisService(server)
    attach(service)
    with connect(service.port) as client:
        listener = subscribe(client, *(f"channel {number}" for number in range(10)))
        client.publish("trips", b"x" * 1000)
        assert not service.exceeded
        with pytest.raises(redis.ConnectionError):
            client.publish("trips", b"x" * 1000)
        assert service.exceeded
        listener.close()
    service.close()


def test_closing_ends_every_connection(service: RedisService, client: redis.Redis) -> None:
    """A client of the student's hears of it; closing twice does no harm."""
    pubsub = subscribe(client, "trips")
    service.close()
    with pytest.raises(redis.ConnectionError):
        while pubsub.get_message(timeout=SECONDS):
            pass
    service.close()


# The user's own server ---------------------------------------------------------------


@pytest.fixture
def own_server() -> Iterator[tuple[str, int]]:
    """A Redis that somebody else runs."""
    server = TcpFakeServer(("127.0.0.1", 0))
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield "127.0.0.1", int(server.server_address[1])
    server.shutdown()
    server.server_close()


def test_redis_url_is_used(own_server: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a student publishes arrives on the server that the URL names."""
    host, port = own_server
    monkeypatch.setenv(URL_VARIABLE, f"redis://{host}:{port}")
    service = RedisService(find_redis().make())
    assert service.shared
    attach(service)
    with redis.Redis(host=host, port=port) as mine, connect(service.port) as theirs:
        pubsub = subscribe(mine, "trips")
        assert theirs.publish("trips", b"x") == 1
        pubsub.close()
    service.check()
    service.close()


@pytest.mark.parametrize("url", ["rediss://localhost", "localhost:6379", "redis://", "redis://h:x"])
def test_an_unusable_url_is_said(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line; the next best server is used."""
    with pytest.raises(ServiceError, match=URL_VARIABLE):
        parse_url(url)
    monkeypatch.setenv(URL_VARIABLE, url)
    found = find_redis()
    assert not found.make().shared
    assert URL_VARIABLE in found.passed_over[0]


def test_a_server_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is named, since somebody has to look there."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv(URL_VARIABLE, f"redis://127.0.0.1:{port}")
    found = find_redis()
    assert not found.make().shared
    assert str(port) in found.passed_over[0]


def test_a_connection_that_ends_in_an_error_prints_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A client that does not read its answers ends so: the grader's terminal is not for that."""
    server = EmbeddedServer()
    server.start()
    try:
        raise BlockingIOError  # noqa: TRY301 - an exception that is being handled
    except BlockingIOError:
        # What socketserver calls.
        server._server.handle_error(None, ("127.0.0.1", 1))  # noqa: SLF001 - as above
    server.stop()
    assert capfd.readouterr() == ("", "")
