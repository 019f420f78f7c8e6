"""The consumers of all exercises behind one signature, whoever wrote them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader.compare import bare
from grader.compare.counts import Count, counted_sleep
from grader.compare.place import Place, sqs_client
from grader.compare.techniques import Technique

Handle = Callable[[dict[str, Any]], None]
Ready = Callable[[], None]
Call = Callable[[Handle, Ready, int], None]
"""Takes handle, ready and max_events; returns when the consumer does."""


def load(technique: Technique, file: str) -> Callable[..., object]:
    """The consumer's function: of that file, or the bare client's where it is empty."""
    if not file:
        return bare.FUNCTIONS[technique.id]
    path = Path(file)
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses in it look themselves up there
    spec.loader.exec_module(module)
    found: Callable[..., object] = getattr(module, technique.function)
    return found


def bind(technique: Technique, function: Callable[..., object], place: Place, sqs: Count) -> Call:
    """`function` with its medium filled in; calls of SQS are counted."""
    match technique.id:
        case "polling":
            return _polling(function, place)
        case "tail":

            def tail(handle: Handle, ready: Ready, most: int) -> None:
                ready()
                function(place.path, handle, max_events=most)

            return tail
        case "socket":

            def tcp_socket(handle: Handle, ready: Ready, most: int) -> None:
                function(handle, host="127.0.0.1", port=place.port, max_events=most, ready=ready)

            return tcp_socket
        case "redis":
            return _redis(function, place)
        case "rabbitmq":
            return _rabbitmq(function, place)
    return _sqs(function, place, sqs)


def _polling(function: Callable[..., object], place: Place) -> Call:
    def call(handle: Handle, ready: Ready, _: int) -> None:
        ready()
        function(
            place.path,
            handle,
            poll_interval=place.interval,
            max_polls=place.max_polls,
            offset_path=place.offset_path,
            sleep=counted_sleep,
        )

    return call


def _redis(function: Callable[..., object], place: Place) -> Call:
    import redis  # noqa: PLC0415 - each technique needs one client

    # Made once: a supervisor that calls again goes on with the client that it has.
    client = redis.Redis.from_url(place.url)

    def call(handle: Handle, ready: Ready, most: int) -> None:
        function(client, place.name, handle, max_events=most, ready=ready)

    return call


def _rabbitmq(function: Callable[..., object], place: Place) -> Call:
    import pika  # noqa: PLC0415 - as above

    parameters = pika.URLParameters(place.url)

    def call(handle: Handle, ready: Ready, most: int) -> None:
        ready()
        function(parameters, place.name, handle, max_events=most)

    return call


def _sqs(function: Callable[..., object], place: Place, count: Count) -> Call:
    client = sqs_client(place.url)
    client.meta.events.register("before-send.sqs", lambda **_: count())
    queue_url = client.get_queue_url(QueueName=place.name)["QueueUrl"]

    def call(handle: Handle, ready: Ready, most: int) -> None:
        ready()
        function(
            client,
            queue_url,
            handle,
            max_events=most,
            wait_seconds=place.wait_seconds,
            max_empty_receives=10**9,
        )

    return call
