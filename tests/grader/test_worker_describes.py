"""An exception of the student's is told by what it is, whatever its class says of itself."""

from __future__ import annotations

import asyncio
import builtins
import json
from typing import Any

import pytest

from grader.worker import calls, failing, wire
from grader.worker.importing import sentence


class Kind(type):
    """A metaclass that calls every class of its own a TimeoutError, or raises."""

    __name__ = property(lambda cls: "TimeoutError")  # type: ignore[assignment]
    __mro__ = property(  # type: ignore[assignment]
        lambda cls: (TimeoutError, OSError, Exception, BaseException, object)
    )

    def __getattribute__(cls, name: str) -> Any:
        if name in ("__module__", "__qualname__"):
            raise SystemExit
        return super().__getattribute__(name)


class OwnError(Exception, metaclass=Kind):
    """What the metaclass lies about."""


class MaskedError(Exception):
    """One whose class and traceback cannot be asked for."""

    __class__ = property(lambda self: 1 // 0)  # type: ignore[assignment]
    __traceback__ = property(lambda self: 1 // 0)  # type: ignore[assignment]


def caught(kind: Any, *args: Any) -> BaseException:
    """An exception of that kind that was raised."""
    try:
        raise kind(*args)  # noqa: TRY301 - it is to have a traceback
    except BaseException as error:  # noqa: BLE001 - whatever it is
        return error


def test_a_metaclass_makes_no_time_out_of_an_exception() -> None:
    """Neither its name nor its bases are asked of the class itself."""
    told = calls.describe(caught(OwnError, "late"))
    assert told["error"] == "OwnError"
    assert told["bases"] == [f"{__name__}.OwnError", "Exception", "BaseException", "object"]
    assert told["reason"] == "OwnError: late"


def test_a_class_of_a_builtins_name_is_none() -> None:
    """Also where it says that it comes from there."""
    kind = type("TimeoutError", (Exception,), {"__module__": "builtins"})
    assert calls.describe(caught(kind))["bases"][0] == "builtins.TimeoutError"
    assert calls.describe(caught(builtins.TimeoutError))["bases"][0] == "TimeoutError"


@pytest.mark.parametrize("module", [5, None, "\ud800"])
def test_an_exception_with_an_odd_module_crosses(module: object) -> None:
    """What is told of it is a message."""
    kind = type("Odd", (Exception,), {"__module__": module})
    assert json.loads(wire.dump(calls.describe(caught(kind))))["error"] == "Odd"


def test_an_exception_that_cannot_be_asked_is_told() -> None:
    """Its properties raise; it is what its type is."""
    error = caught(MaskedError, "x")
    assert calls.describe(error)["bases"][0] == f"{__name__}.MaskedError"
    assert not failing.is_same(error, StopIteration())


def test_a_time_out_that_asyncio_copies_is_the_same() -> None:
    """It leaves a thread of the executor as another one, with the same words."""
    raised = failing.make("TimeoutError")

    def handle() -> None:
        raise raised

    with pytest.raises(TimeoutError) as caught_error:
        asyncio.run(asyncio.to_thread(handle))
    assert failing.is_same(caught_error.value, raised)
    assert not failing.is_same(TimeoutError("nothing came"), raised)


def test_a_message_of_megabytes_is_cut() -> None:
    """Nobody reads it, and a report keeps some hundreds of characters."""
    assert len(sentence(caught(ValueError, "x" * 10_000_000))) < 20_000


def test_a_value_of_a_class_without_a_name_is_opaque() -> None:
    """Its metaclass raises when asked."""
    kind = type("M", (type,), {"__name__": property(lambda cls: 1 // 0)})
    assert wire.encode(kind("Thing", (), {})()) == {"$opaque": "Thing"}
