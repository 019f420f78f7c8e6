"""What `handle` raises when the suite lets it fail."""

from __future__ import annotations

import builtins
import errno
import importlib
import sys
from typing import Any


class HandlerError(Exception):
    """A plain exception that no library raises."""


_WORDS = "the suite lets handle() fail for this event"
_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "json.JSONDecodeError": (_WORDS, "", 0),
    "UnicodeDecodeError": ("utf-8", b"\xe9", 0, 1, _WORDS),
    "OSError": (errno.EIO, _WORDS),
    "FileNotFoundError": (errno.ENOENT, _WORDS),
    "BlockingIOError": (errno.EAGAIN, _WORDS),
    "ConnectionResetError": (errno.ECONNRESET, _WORDS),
    "BrokenPipeError": (errno.EPIPE, _WORDS),
    "subprocess.TimeoutExpired": ("tail", 1.0),
    "pika.exceptions.ChannelClosedByBroker": (406, _WORDS),
    "pika.exceptions.UnroutableError": ([],),
    "botocore.exceptions.ClientError": (
        {"Error": {"Code": "InternalError", "Message": _WORDS}},
        "ReceiveMessage",
    ),
}
"""Of exceptions that are not made of a sentence alone."""


def make(name: str) -> BaseException:
    """Make what `handle` raises: HandlerError, a builtin, or a library's by its dotted name."""
    if name == "HandlerError":
        return HandlerError(_WORDS)
    module, _, own = name.rpartition(".")
    kind = getattr(importlib.import_module(module) if module else builtins, own)
    made: BaseException
    if name == "botocore.exceptions.EndpointConnectionError":
        made = kind(endpoint_url="http://localhost:4566")
    elif name == "confluent_kafka.KafkaException":  # code that catches it asks its KafkaError
        errors = importlib.import_module(module).KafkaError
        # The one that a consumer may pass over where its own commit is refused with it.
        made = kind(errors(errors.REBALANCE_IN_PROGRESS, _WORDS))
    else:
        made = kind(*_ARGUMENTS.get(name, (_WORDS,)))
    return made


def as_it_leaves(raised: BaseException) -> BaseException:
    """Return what leaves handle when the suite lets it raise that: the same, but in an executor.

    A StopIteration that leaves a thread of an executor's hangs a program that awaits it, up to
    Python 3.12; from 3.13 on it is a RuntimeError there (cpython's issue 112182). What hangs by
    Python's fault is no mistake, and a verdict does not depend on which Python it is.
    """
    if not isinstance(raised, StopIteration) or not _in_executor():
        return raised
    made = RuntimeError(_WORDS)
    made.__cause__ = raised
    return made


def _in_executor() -> bool:
    frame = sys._getframe()  # noqa: SLF001 - the traceback of nothing raised
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_globals.get("__name__") == "concurrent.futures.thread":
            return True
    return False


def is_same(error: BaseException, raised: BaseException | None) -> bool:
    """Tell whether `error` is what handle raised.

    Python itself turns a StopIteration that leaves a generator or a coroutine into a RuntimeError
    (PEP 479), and asyncio gives a copy of a TimeoutError that leaves a thread of its executor.
    """
    if raised is None:
        return False
    if type(raised) is type(error) is TimeoutError:
        return error.args == raised.args
    made_of_it = isinstance(raised, StopIteration) and issubclass(type(error), RuntimeError)
    return error is raised or (made_of_it and error.__cause__ is raised)
