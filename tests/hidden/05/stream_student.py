"""The student's functions of exercise 05, called in processes that keep a client.

A consumer of the student's creates its group itself, on a stream where there is none yet. Before it
asks the group for anything, an onlooker sets the group back to the first entry and makes the scene
of the test. So whoever begins a group in the wrong place, or cannot live with one that is there
already, is told so by 05.group alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from stream_seen import Stream, new_name

from grader.services.redis.service import RedisService
from grader.services.redis.watch import MOST_SEEN, Recording
from grader.suite import HANDLE, Consumer, Failed, Handle, Kept, New, Process, Run, leave_to
from grader.suite.content import trips
from grader.suite.steps import shorten

_ASKS_THE_GROUP = (
    *("XREADGROUP", "XAUTOCLAIM", "XPENDING", "XCLAIM", "XREAD", "XRANGE"),
    *("XREVRANGE", "XACK", "XADD", "XDEL", "XTRIM", "DEL"),  # what changes it, too
)


class Student:
    """The student's functions, each called with a redis client that its process keeps."""

    def __init__(
        self,
        service: RedisService,
        consumer: Consumer,
        new_stream: Callable[..., Stream],
        found: dict[bool, bool],
        at_end: ExitStack,
    ) -> None:
        self.service = service
        self._consumer = consumer
        self._new_stream = new_stream
        self._found = found
        self._at_end = at_end
        self.name = new_name()
        """The consumer's, where a test has one."""
        self._short = {"wait_ms": random.randint(8, 12), "max_empty_reads": random.randint(7, 9)}
        """Where the test is not about waiting. The seed has no part in it, nor in the name."""

    def process(self, *, decode: bool | None = None) -> Process:
        """A new process with a client in it, of those whose answers the student's code can read.

        With `decode` it has decode_responses as asked for.
        """
        if decode is None:
            decode = self.reads_only(decode=True)
        process = self._consumer.process()
        self.keep_client(process, decode=decode)
        return process

    def keep_client(self, process: Process, *, decode: bool) -> None:
        """Make a client in a process, which the calls that are begun from now on get."""
        where = {"host": self.service.host, "port": self.service.port}
        # Without a driver, redis-py does not look for its version among all that is installed.
        process.keep(
            "client", New("redis.Redis", **where, decode_responses=decode, driver_info=None)
        )

    def reads(self, *, decode: bool) -> bool:
        """Tell whether stream_consumer finds the event in what such a client answers.

        Whoever expects one kind of client is told so by 05.delivers, and not by each check.
        """
        if decode not in self._found:
            stream = self._new_stream()
            stream.append(*trips(random.Random(stream.name), random.randint(2, 5)))
            try:
                run = self.consume(stream, self.process(decode=decode))
                self._found[decode] = isinstance(run.next(), Handle)
            except Failed:
                self._found[decode] = False
        return self._found[decode]

    @property
    def handles(self) -> bool:
        """Tell whether it handles an event with either kind of client."""
        return any(self.reads(decode=decode) for decode in (False, True))

    def reads_only(self, *, decode: bool) -> bool:
        """Tell whether it reads what such a client answers, and not what one of the others does."""
        return not self.reads(decode=not decode) and self.reads(decode=decode)

    def is_blind(self, *, decode: bool) -> bool:
        """Tell whether it reads nothing of such a client's, but another's; 05.delivers is to tell."""
        if not self.reads_only(decode=not decode):
            return False
        leave_to(
            "05.delivers",
            f"with a client that has decode_responses={decode} stream_consumer should handle what is "
            f"in a stream; it handled no event there, and did with decode_responses={not decode}",
        )
        return True

    @contextmanager
    def recording(self) -> Iterator[Recording]:
        """Keep the commands that come in the block.

        Raises:
            Failed: they were more than are kept, so that some were not seen.
        """
        with self.service.recording() as recorded:
            yield recorded
        if recorded.overflowed:
            raise Failed(
                f"it sent more than {MOST_SEEN} commands, where a solution sends some dozens; what "
                "came after them was not looked at"
            )

    def before_it_asks(self, stream: Stream, action: Callable[[], None]) -> Any:
        """Run `action` before the student's next request to the group, or to read the stream."""
        return self.service.before(
            *_ASKS_THE_GROUP, action=action, argument=stream.name, in_transactions=True
        )

    def begin(
        self,
        stream: Stream,
        process: Process | None = None,
        *,
        consumer: str | None = None,
        max_events: int = 1000,
        **kwargs: Any,
    ) -> Run:
        """Begin a call of stream_consumer as it stands; what is None has its default."""
        where = process or self.process()
        options = self._short | kwargs
        return where.start(
            "redis_streams.stream_consumer",
            Kept("client"),
            stream.name,
            stream.group,
            consumer or self.name,
            HANDLE,
            max_events=max_events,
            **{name: value for name, value in options.items() if value is not None},
        )

    def consume(
        self,
        stream: Stream,
        process: Process | None = None,
        *,
        scene: Callable[[], object] = lambda: None,
        at: str = "0",
        **kwargs: Any,
    ) -> Run:
        """Begin a consumer that creates its group; before it asks, `scene` is made in the group.

        The group goes on after the entry with the id `at`. Of two consumers on one stream, the
        second begins when the first has asked.
        """

        def prepare() -> None:
            stream.open_group(at)
            scene()

        self._at_end.enter_context(self.before_it_asks(stream, prepare))
        return self.begin(stream, process, **kwargs)

    def miscounts(self, value: Any, number: int) -> bool:
        """Tell whether that is another int; what is none is left to 05.delivers alone."""
        if not isinstance(value, int):
            leave_to(
                "05.delivers",
                f"stream_consumer should return how many events were handled, {number}; it returned "
                f"{shorten(value)}",
            )
            return False
        return value != number

    def given(self, scene: str) -> None:
        """Say what was the case, for a failure of the engine's own."""
        self._consumer.given(scene)

    def finish(self, run: Run, when: str) -> list[Any]:
        """Say yes to every step until it returns; the events. `run.value` is what it returned."""
        self.given(when)
        return run.drain()

    def append(self, stream: Stream, events: Any, process: Process, **kwargs: Any) -> Any:
        """Call append_events; what it returns."""
        return process.call(
            "redis_streams.append_events", Kept("client"), stream.name, events, **kwargs
        )

    def replay(self, stream: Stream, process: Process | None = None, **kwargs: Any) -> Run:
        """Begin a call of replay."""
        where = process or self.process()
        return where.start("redis_streams.replay", Kept("client"), stream.name, HANDLE, **kwargs)

    def lag(self, stream: Stream, process: Process) -> Any:
        """Call lag; what it returns."""
        return process.call("redis_streams.lag", Kept("client"), stream.name, stream.group)
