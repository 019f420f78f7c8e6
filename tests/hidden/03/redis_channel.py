"""A channel of Redis as the suite of exercise 03 sees it, and the student's functions on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from broker_runs import Tracked, is_another_checks
from broker_words import PATIENCE, these

from grader.services.redis.service import RedisService
from grader.suite import (
    HANDLE,
    READY,
    Consumer,
    Failed,
    Kept,
    Method,
    New,
    Process,
    Ready,
    Run,
    Step,
    content,
)
from grader.suite.steps import in_words

SUBSCRIBES = ("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE")


class Channel:
    """A channel, and the suite's trusted client for it."""

    def __init__(self, service: RedisService, consumer: Consumer, name: str) -> None:
        self.service = service
        self.name = name
        self._consumer = consumer

    def process(self, **options: Any) -> Process:
        """A process of the student's that keeps a Redis client, as `client`.

        The caller's client lives on after a call. One that ends with the call would close the
        connections that the student left open.
        """
        process = self._consumer.process()
        where = {"host": self.service.host, "port": self.service.port}
        process.keep("client", New("redis.Redis", **where, **options))
        return process

    def start(
        self,
        everything: list[Any],
        *,
        max_events: int,
        process: Process | None = None,
        ready: bool = True,
        **options: Any,
    ) -> Tracked:
        """Begin a redis_consumer, with a `ready` or without; `options` are its client's."""
        run = (process or self.process(**options)).start(
            "redis_pubsub.redis_consumer",
            Kept("client"),
            self.name,
            HANDLE,
            max_events=max_events,
            **({"ready": READY} if ready else {}),
        )
        return Tracked(run, everything)

    def publish_events(self, events: list[Any], process: Process | None = None) -> Run:
        """Begin the student's publish_events."""
        return (process or self.process()).start(
            "redis_pubsub.publish_events", Kept("client"), self.name, events
        )

    def subscribe(self, everything: list[Any], **kwargs: Any) -> Tracked:
        """Begin a redis_consumer and wait until the server counts its subscription.

        It does not insist on ready(): whoever forgets that loses the points of one check.
        """
        before = self.service.subscribers(self.name)
        tracked = self.start(everything, **kwargs)
        self.wait_subscribed(tracked, before + 1, is_another_checks)
        return tracked

    def wait_subscribed(self, tracked: Tracked, count: int, fits: Callable[[Step], bool]) -> None:
        """Wait until there are so many subscribers, and let each step go on that `fits`."""
        deadline = time.monotonic() + self._consumer.seconds
        while time.monotonic() < deadline:
            # ready() comes with the subscription; who does not call it is looked for less often.
            if not tracked.run.waiting(0.02):
                step = tracked.run.next()
                if not fits(step):
                    raise Failed(
                        "nothing was published since it was called, but "
                        f"{in_words(step, repr(tracked.run))}"
                    )
                tracked.ready |= step == Ready()
                tracked.run.go_on()
            if self.service.subscribers(self.name) >= count:
                return
        raise Failed(
            f"{tracked.run} did not subscribe to the channel {self.name!r} within "
            f"{self._consumer.seconds} s"
        )

    def hold_subscription(self, action: Callable[[], None], number: int = 1) -> Any:
        """Run `action` before that request from now on to subscribe to this channel goes on."""
        return self.service.before(*SUBSCRIBES, action=action, number=number, argument=self.name)

    def these(self, events: list[Any], everything: list[Any]) -> str:
        """Events by their place in what was published, for a sentence."""
        return these(events, everything)

    def publish(self, *items: dict[str, Any] | bytes) -> int:
        """Publish events, or bytes as they are; how many subscribers got the last one."""
        count = 0
        self._consumer.log.add("suite", f"publishes {len(items)} to the channel")
        for item in items:
            count = int(self.service.client.publish(self.name, content.to_message(item)))
        return count

    def publish_apart(self, item: dict[str, Any]) -> int:
        """Publish an event from any thread; how many subscribers got it."""
        with self.service.connect() as client:
            return int(client.publish(self.name, content.to_message(item)))


class OwnSubscription:
    """A subscription of the caller's own, with the client that the student's functions are given."""

    def __init__(self, channel: Channel, process: Process) -> None:
        self._channel = channel
        self._process = process
        process.keep("own", Method(Kept("client"), "pubsub"))
        process.keep("asked", Method(Kept("own"), "subscribe", channel.name))
        self._message()  # the confirmation

    def _message(self) -> Any:
        look = Method(Kept("own"), "get_message", timeout=PATIENCE)
        return self._process.call("worker.calls.keep", look)

    def hears(self, event: dict[str, Any]) -> bool:
        """Tell whether an event that is published now arrives there."""
        self._channel.publish(event)
        got = self._message()
        return isinstance(got, dict) and got["type"] == "message"


class Listener:
    """A trusted subscriber."""

    def __init__(self, channel: Channel) -> None:
        self._pubsub = channel.service.connect().pubsub()
        self._pubsub.subscribe(channel.name)
        self._pubsub.get_message(timeout=PATIENCE)
        self.received: list[bytes] = []

    def receive(self, count: int) -> None:
        """Wait until it has received so many messages in all."""
        while len(self.received) < count and (got := self._pubsub.get_message(timeout=PATIENCE)):
            if got["type"] == "message":
                self.received.append(got["data"])

    def leave(self) -> None:
        """Unsubscribe; what was published before is received, nothing after."""
        if self._pubsub.subscribed:
            self._pubsub.unsubscribe()
            while (got := self._pubsub.get_message(timeout=PATIENCE)) and got["type"] == "message":
                self.received.append(got["data"])
            self._pubsub.close()

    def events(self) -> list[Any]:
        """What was received, parsed where it is JSON."""
        return [content.value_of(data) for data in self.received]
