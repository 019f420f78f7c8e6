"""A submission and its suite before the same front: with a real server and with fakeredis alike."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
import redis
from redis_lab import SECONDS, attach, connect, subscribe

from grader.services.redis import front
from grader.services.redis.choice import installed
from grader.services.redis.private import PrivateServer
from grader.services.redis.server import EmbeddedServer, Server
from grader.services.redis.service import RedisService


@pytest.fixture(params=["real", "fakeredis"])
def server(request: pytest.FixtureRequest) -> Server:
    """A submission's server, of each kind."""
    if request.param == "fakeredis":
        return EmbeddedServer()
    program = installed()
    if program is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    return PrivateServer(program)


@pytest.fixture
def service(server: Server) -> Iterator[RedisService]:
    """A service of it, attached to a listener."""
    made = RedisService(server)
    attach(made)
    yield made
    made.close()


@pytest.fixture
def client(service: RedisService) -> Iterator[redis.Redis]:
    """The student's side."""
    with connect(service) as made:
        yield made


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


def test_what_is_no_command_ends_the_connection(service: RedisService) -> None:
    """The answer says what was wrong with the protocol, and nothing comes after it."""
    with socket.create_connection(("127.0.0.1", service.port), SECONDS) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with connection.makefile("rb") as answer:
            assert answer.read().startswith(b"-ERR Protocol error")


def test_a_submission_may_send_so_much(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit its connection is cut; the suite's own client is not."""
    monkeypatch.setattr("grader.services.redis.service.MAX_BYTES", 1000)
    service = RedisService(server)
    attach(service)
    with connect(service) as client, pytest.raises(redis.ConnectionError):
        client.publish("trips", b"x" * 2000)
    assert service.client.publish("trips", b"x" * 2000) == 0
    service.check()
    service.close()


def test_a_submission_may_send_so_many_commands(
    service: RedisService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shortest ones cost the most for a byte; who sends too many is served no more."""
    monkeypatch.setattr(front, "_MOST_COMMANDS", 20)
    with connect(service) as client, pytest.raises(redis.ConnectionError):
        for _ in range(21):
            client.ping()
    assert service.exceeded
    with connect(service) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    service.check()


def test_connections_are_limited(service: RedisService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs threads; one too many is cut at once."""
    monkeypatch.setattr(front, "_MAX_CONNECTIONS", 2)
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            client = stack.enter_context(connect(service))
            client.ping()
        extra = stack.enter_context(connect(service))
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
    with connect(service) as client:
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
