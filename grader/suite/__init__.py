"""What a hidden suite is written with; CONTRIBUTING.md is its guide."""

from grader.suite import content, exceptions, expect, properties
from grader.suite.consumer import Consumer
from grader.suite.outcomes import Failed, NotGraded, leave_to, not_graded
from grader.suite.process import Process
from grader.suite.run import Run
from grader.suite.settle import settled
from grader.suite.steps import (
    Handle,
    Line,
    Raised,
    Ready,
    Returned,
    Sleep,
    Step,
    Stop,
    Write,
    cut,
    in_words,
    shorten,
)
from grader.worker.wire import Callback, Kept, Method, New, Opaque

HANDLE = Callback("handle")
READY = Callback("ready")
SLEEP = Callback("sleep")
STOP = Callback("stop")

__all__ = [
    "HANDLE",
    "READY",
    "SLEEP",
    "STOP",
    "Consumer",
    "Failed",
    "Handle",
    "Kept",
    "Line",
    "Method",
    "New",
    "NotGraded",
    "Opaque",
    "Process",
    "Raised",
    "Ready",
    "Returned",
    "Run",
    "Sleep",
    "Step",
    "Stop",
    "Write",
    "content",
    "cut",
    "exceptions",
    "expect",
    "in_words",
    "leave_to",
    "not_graded",
    "properties",
    "settled",
    "shorten",
]
