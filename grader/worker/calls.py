"""One process of the student's: imports the module, makes the calls that the suite asks for.

`handle`, `ready`, `sleep` and `stop` are questions to the suite: the student's code stands still
until the answer is there. The suite trusts nothing here; it is only the student's side of the pipe.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import socket
import sys
import threading
from types import FrameType
from typing import Any

from . import failing, importing, wire
from .failing import HandlerError
from .importing import LoadError, load, sentence, student_frames
from .inbox import Inbox


class _MissingError(Exception):
    """A function of the contract is not there."""


class _MisfitError(Exception):
    """A function of the contract takes other parameters."""


class Worker:
    """Answers the suite's requests, one after the other, until the channel closes."""

    def __init__(
        self, channel: socket.socket, modules: list[str], *, stop_at_lines: bool = False
    ) -> None:
        self._channel = channel
        self._inbox = Inbox(wire.LineReader(channel))
        self._modules = modules
        self._stop_at_lines = stop_at_lines
        self._kept: dict[str, Any] = {}
        self._question = threading.Lock()
        self._in_call = False
        self._at_liberty = False
        """The suite says yes to all that is still to come of this call, and is not waited for."""
        self._raised: BaseException | None = None
        self._left: BaseException | None = None
        """What left the last call. Who keeps an exception keeps what its frames hold: a socket that
        only the end of a function closed is open as long, as for a caller who looks at it."""

    def serve(self) -> None:
        """Read requests and answer each with `returned`, `raised` or why it could not be made."""
        while (request := self._inbox.request()) is not None:
            self._send(self._answer(request))

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        self._left = None
        try:
            self._import(request["function"])
            function = self._find(request["function"])
            self._send({"type": "loaded"})
            args = self._build(wire.decode(request["args"]))
            kwargs = self._build(wire.decode(request["kwargs"]))
        except LoadError as error:
            return {"type": "load_failed", "reason": str(error)}
        except (_MissingError, _MisfitError) as error:
            return {"type": "unfit", "reason": str(error)}
        except BaseException as error:  # noqa: BLE001 - a library's or the student's, told apart here
            kind = "raised" if student_frames(error) else "build_failed"
            return {"type": kind, **describe(error)}
        self._in_call = True
        if self._stop_at_lines:
            threading.settrace(self._trace)
            sys.settrace(self._trace)
        try:
            value = _call(function, args, kwargs)
        except _MisfitError as error:
            return {"type": "unfit", "reason": str(error)}
        except BaseException as error:  # noqa: BLE001 - whatever leaves the call is its outcome
            self._left = error
            by_handle = failing.is_same(error, self._raised)
            return {"type": "raised", "by_handle": by_handle, **describe(error)}
        except:  # noqa: E722 - a library's C code may raise what is no exception, as Kafka's client does
            _, value, traceback = sys.exc_info()
            return {"type": "raised", **describe(Exception(value).with_traceback(traceback))}
        finally:
            sys.settrace(None)
            self._in_call = self._at_liberty = False
            self._raised = None
        if request.get("keep"):
            self._kept[request["keep"]] = value
            return {"type": "returned", "value": None}
        return {"type": "returned", "value": _encode(value)}

    def _import(self, dotted: str) -> None:
        module = dotted.partition(".")[0]
        if module not in self._modules or module in sys.modules:
            return
        load(module)

    def _find(self, dotted: str) -> Any:
        module, _, path = dotted.partition(".")
        importlib.import_module(module)
        found: Any = sys.modules[module]
        for name in path.split("."):
            try:
                found = getattr(found, name)
            except AttributeError:
                submodule = f"{getattr(found, '__name__', module)}.{name}"
                if module in self._modules:
                    raise _MissingError(f"{module}.py has no function {path}()") from None
                found = importlib.import_module(submodule)
        if not callable(found):
            raise _MissingError(f"{path} in {module}.py is not a function but {_an(found)}")
        return found

    def _build(self, value: Any) -> Any:
        """Return the real objects that the suite's placeholders stand for."""
        match value:
            case wire.Callback(name):
                return self._callback(name)
            case wire.Kept(name):
                return self._kept[name]
            case wire.New(function, args, kwargs):
                self._import(function)
                made = self._find(function)
                args, kwargs = self._build(list(args)), self._build(kwargs)
                if function.partition(".")[0] in self._modules:
                    return _call(made, args, kwargs)
                return made(*args, **kwargs)
            case wire.Method(target, name, args, kwargs):
                method = getattr(self._build(target), name)
                return method(*self._build(args), **self._build(kwargs))
            case list() | tuple() | set():
                return type(value)(self._build(item) for item in value)
            case dict():
                return {key: self._build(item) for key, item in value.items()}
        return value

    def _callback(self, name: str) -> Any:
        def handle(event: Any) -> Any:
            return self._ask({"type": "handle", "event": _encode(event)}).get("value")

        def ready() -> None:
            self._ask({"type": "ready"})

        def sleep(seconds: Any) -> None:
            self._ask({"type": "sleep", "seconds": _encode(seconds)})

        def stop() -> bool:
            in_thread = threading.current_thread() is not threading.main_thread()
            return self._ask({"type": "stop", "in_thread": in_thread}).get("value") is True

        return {"handle": handle, "ready": ready, "sleep": sleep, "stop": stop}[name]

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._question:
            if not self._in_call:
                self._send({"type": "late", "callback": question["type"]})
                threading.Event().wait()  # a thread that outlived its call stands still for good
            call = self._inbox.calls
            self._send(question)
            if self._at_liberty:
                return {}
            answer = self._inbox.answer(call)
            if answer is not None and call == self._inbox.calls:
                self._at_liberty = bool(answer.get("at_liberty"))
        if answer is None:
            threading.Event().wait()  # its call is over; or the suite has gone, and SIGKILL follows
        elif failure := answer.get("raise"):
            self._raised = failing.make(str(failure))
            raise failing.as_it_leaves(self._raised)
        return answer or {}

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """Ask the suite before each line of the student's code. See sys.settrace."""
        if not frame.f_code.co_filename.startswith(sys.path[0] + "/"):
            return None
        if event == "line":
            self._ask({"type": "line", "number": frame.f_lineno})
        return self._trace

    def _send(self, message: dict[str, Any]) -> None:
        self._channel.sendall(wire.dump(message))


def apply(function: Any, *args: Any) -> Any:
    """Call `function` and return its value; the suite calls it for a function that `keep` holds."""
    return function(*args)


def keep(value: Any) -> Any:
    """Return its argument; the suite calls it to build an object and keep it in the worker."""
    return value


def _encode(value: Any) -> Any:
    try:
        return wire.encode(value)
    except Exception:  # noqa: BLE001 - nested too deep, or a type of the student's that does as it likes
        return {"$opaque": importing.name_of(type(value))}


def _call(function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Call a function of the student's and return its value.

    Raises:
        _MisfitError: it takes other parameters.
    """
    try:
        return function(*args, **kwargs)
    except TypeError:
        # To ask for the signature before each call would take as long as many a call.
        if reason := _misfit(function, args, kwargs):
            raise _MisfitError(reason) from None
        raise


def _misfit(function: Any, args: list[Any], kwargs: dict[str, Any]) -> str:
    """Return why `function` cannot be called so; empty when it can, or tells no signature."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ""
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        return (
            f"{function.__name__}() does not take the parameters that it is called with: {error} "
            f"(it is defined as {function.__name__}{signature})"
        )
    return ""


def describe(error: BaseException) -> dict[str, Any]:
    """Return what the suite is told of an exception: its type is asked, not its own words."""
    frames = student_frames(error)
    return {
        "error": importing.name_of(type(error)),
        "bases": [_qualified(base) for base in _mro_of(type(error))],
        "reason": sentence(error),
        "function": frames[-1].name if frames else "",
        "line": frames[-1].lineno if frames else 0,
    }


_BASES = type.__dict__["__mro__"]
_QUALIFIED = type.__dict__["__qualname__"]
"""By themselves: a class of the student's may have a metaclass that says something else."""


def _mro_of(kind: type) -> tuple[type, ...]:
    bases: tuple[type, ...] = _BASES.__get__(kind)
    return bases


def _qualified(kind: type) -> str:
    """Return a class's name after its module's; builtins and HandlerError by their own alone."""
    name = importing.name_of(kind)
    if kind is HandlerError or getattr(builtins, name, None) is kind:
        return name
    module = type.__getattribute__(kind, "__dict__").get("__module__")
    return f"{module if type(module) is str else '?'}.{_QUALIFIED.__get__(kind)}"


def _an(value: Any) -> str:
    name = importing.name_of(type(value))
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
