"""What a failure says was wanted of a call: only what the call could have done."""

from __future__ import annotations

import pytest
from lab import Lab

from grader.course import Limits
from grader.sandbox.base import Setup
from grader.sandbox.process import ProcessSandbox
from grader.suite.consumer import Consumer
from grader.suite.outcomes import Failed
from grader.worker.wire import Callback

CODE = b"""\
import time

def hangs(*_, **__):
    while True:
        time.sleep(0.1)
"""
HANDLE, SLEEP, STOP = Callback("handle"), Callback("sleep"), Callback("stop")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "expected hangs() to return; for 1 s it did not. "),
        ((SLEEP,), "expected hangs() to call sleep() or return; for 1 s it did neither. "),
        ((STOP,), "expected hangs() to call stop() or return; for 1 s it did neither. "),
        ((HANDLE, SLEEP), "expected hangs() to call handle() or return; for 1 s it did neither. "),
    ],
)
def test_a_callback_that_it_was_not_given_is_not_wanted(
    arguments: tuple[Callback, ...], said: str
) -> None:
    """A function without handle() is not told to call it."""
    with ProcessSandbox(Setup(files={"sample.py": CODE}, limits=Limits(seconds=1))) as sandbox:
        consumer = Consumer(Lab(sandbox))
        try:
            with pytest.raises(Failed) as raised:
                consumer.start("sample.hangs", *arguments).next()
        finally:
            consumer.close()
    assert str(raised.value).startswith(said)
