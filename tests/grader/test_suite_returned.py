"""What handle returns is the suite's to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lab import Lab

from grader.course import Limits
from grader.sandbox.base import Setup
from grader.sandbox.process import ProcessSandbox
from grader.suite import HANDLE, Consumer, Process
from grader.suite.content import RETURNED

CODE = b"""\
def returned(handle):
    return handle({"number": 1})
"""


@pytest.fixture
def process() -> Iterator[Process]:
    """A process of the code above."""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=5))
    with ProcessSandbox(setup) as sandbox:
        consumer = Consumer(Lab(sandbox))
        yield consumer.process()
        consumer.close()


@pytest.mark.parametrize("value", RETURNED, ids=repr)
def test_handle_returns_what_the_suite_says(process: Process, value: Any) -> None:
    """The value itself, of its own type; None where nothing is said."""
    run = process.start("sample.returned", HANDLE)
    assert run.next_event() == {"number": 1}
    run.handled(value)
    assert repr(run.returned()) == repr(value)
