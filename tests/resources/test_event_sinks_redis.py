"""The sinks for Redis: what a channel's subscribers get, and what a stream keeps."""

from __future__ import annotations

import signal
from contextlib import closing

import redis
from generator_lab import posix

from events import decode


def test_redis_subscribers_get_the_events(generator, redis_url: str, name: str) -> None:
    """What is published arrives as one message an event, and nothing is said to be lost."""
    with closing(redis.Redis.from_url(redis_url)) as client, client.pubsub() as subscriber:
        subscriber.subscribe(name)
        assert subscriber.get_message(timeout=10)["type"] == "subscribe"
        options = ("--url", redis_url, "--channel", name, "--interval", 0, "--count", 15)
        done = generator.run("redis", *options)
        messages = [subscriber.get_message(timeout=10) for _ in range(15)]
    trips = [decode(message["data"]) for message in messages]
    assert len({trip.event_id for trip in trips}) == 15
    assert not any(message["data"].endswith(b"\n") for message in messages)
    server = redis_url.removeprefix("redis://").removesuffix("/0")
    lines = done.stdout.splitlines()
    assert lines[0] == (
        f"[redis] Sending 15 events to channel {name} of Redis at {server}, as fast as possible."
    )
    assert lines[1:-1] == [f"[redis] Published event {k}/15" for k in range(1, 16)]
    assert lines[-1] == "[redis] Done: 15 events sent."
    assert (done.returncode, done.stderr) == (0, "")


def test_redis_tells_what_nobody_received(generator, redis_url: str, name: str) -> None:
    """Without a subscriber all is lost, and the last line counts it; REDIS_URL names the server."""
    options = ("--channel", name, "--interval", 0, "--count", 5)
    done = generator.run("redis", *options, REDIS_URL=redis_url)
    assert done.stdout.splitlines()[-1] == (
        "[redis] Done: 5 events sent. Nobody received 5 events: without a subscriber they are lost."
    )
    assert done.returncode == 0


@posix
def test_ctrl_c_counts_what_nobody_received(generator, redis_url: str, name: str) -> None:
    """A run that is stopped says as well what was lost."""
    with generator.start("redis", "--url", redis_url, "--channel", name, "--interval", 600) as run:
        assert run.stdout is not None
        run.stdout.readline()
        assert run.stdout.readline() == "[redis] Published event 1\n"
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
    assert out == (
        "[redis] Stopped by Ctrl-C after 1 event. "
        "Nobody received 1 event: without a subscriber they are lost.\n"
    )
    assert (run.returncode, err) == (130, "")


def test_a_stream_keeps_the_events(generator, redis_url: str, name: str) -> None:
    """Each event is an entry, its JSON in the field `event`; nobody has to be there."""
    done = generator.run(
        "streams", "--stream", name, "--interval", 0, "--count", 15, REDIS_URL=redis_url
    )
    with closing(redis.Redis.from_url(redis_url)) as client:
        fields = [fields for _, fields in client.xrange(name)]
    assert [set(each) for each in fields] == [{b"event"}] * 15
    assert len({decode(each[b"event"]).event_id for each in fields}) == 15
    assert not any(each[b"event"].endswith(b"\n") for each in fields)
    server = redis_url.removeprefix("redis://").removesuffix("/0")
    assert done.stdout.splitlines() == [
        f"[streams] Sending 15 events to stream {name} of Redis at {server}, as fast as possible.",
        *(f"[streams] Appended event {k}/15" for k in range(1, 16)),
        "[streams] Done: 15 events sent.",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_a_name_that_is_no_stream_is_refused(generator, redis_url: str, name: str) -> None:
    """One line says what is in the way, and what to change; the value is left as it is."""
    with closing(redis.Redis.from_url(redis_url)) as client:
        client.set(name, "a plain value")
        done = generator.run("streams", "--url", redis_url, "--stream", name)
        assert client.get(name) == b"a plain value"
    (line,) = done.stderr.splitlines()
    assert f"refuses to append to {name}: " in line
    assert line.endswith("Choose another --stream. Stopped after 0 events.")
    assert done.returncode == 1
