"""What a message of the student's process says."""

from __future__ import annotations

from typing import Any

from grader.report import Kind
from grader.suite.outcomes import Failed, Unusable
from grader.suite.steps import Handle, Line, Raised, Ready, Returned, Sleep, Step, Stop
from grader.worker import wire


def step_of(message: dict[str, Any], call: str) -> Step:
    """Return the step that a message of the student's process tells of.

    Args:
        message: believed in nothing but its form.
        call: what the call is named in sentences, `poll()`.

    Raises:
        Failed: it tells of no step: of a stub, of a module that is not there, of nothing known.
        WireError: its value is none.
    """
    match message.get("type"):
        case "handle":
            return Handle(wire.decode(message.get("event")))
        case "ready" | "stop" as kind:
            in_thread = message.get("in_thread") is True
            return Ready() if kind == "ready" else Stop(in_thread=in_thread)
        case "sleep" | "line" as kind:
            number = wire.decode(message.get("seconds" if kind == "sleep" else "number"))
            return Sleep(number) if kind == "sleep" else Line(number)
        case "returned":
            return Returned(wire.decode(message.get("value")))
        case "raised":
            bases = message.get("bases")
            names = tuple(str(b) for b in bases) if isinstance(bases, list) else ()
            if message.get("error") == "NotImplementedError":
                function = text_of(message, "function")
                stub = f"{function}()" if function.isidentifier() else call
                said = f"{stub} is not filled in yet: {text_of(message, 'reason')}"
                line = message.get("line")
                known = line if isinstance(line, int) else 0
                raise Unusable(said, Kind.NOT_FILLED_IN, line=known)
            by_handle = message.get("by_handle") is True
            return Raised(text_of(message, "error"), names, text_of(message, "reason"), by_handle)
        case "late":
            raise Failed(f"{call} called {text_of(message, 'callback')}() after it had returned")
        case "load_failed" | "unfit":
            raise Unusable(text_of(message, "reason"))
        case "build_failed":
            # Where it is the service's fault, the plugin finds out before it blames anybody.
            reason = text_of(message, "reason")
            said = f"what {call} is called with could not be made: {reason}"
            raise Failed(said, Kind.CRASHED)
    raise Failed(f"{call} sent a message of an unknown kind", Kind.FORGED)


def text_of(message: dict[str, Any], key: str) -> str:
    """Return a string of the student's process, cut to a length that a report can bear."""
    return str(message.get(key, ""))[:600]
