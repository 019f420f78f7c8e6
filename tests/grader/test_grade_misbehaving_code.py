"""`grader grade` of code that hangs, dies, or says too much: its own check fails, in words."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from command_line import grade, grader, messages, outcomes
from tiny_course import RIGHT, add_submission


def test_a_run_that_stops_half_way_says_where(course: Path) -> None:
    """What the test had set up, what was wanted, and how far it came."""
    code = RIGHT.replace(
        "        handle(event)\n", "        handle(event)\n        while True: pass\n"
    )
    add_submission(course, "bad", code)
    _, reports = grade(course)
    said = messages(reports["bad"])
    wanted = (
        "3 events were passed: expected forward() to call handle() or return; "
        "for 2 s it did neither after event 1"
    )
    assert wanted in said


def test_what_was_printed_is_there_also_after_a_kill(course: Path) -> None:
    """Without a flush: whoever looks for a mistake prints, and may be killed at any moment."""
    body = "    import os; print('so far', number); os.kill(os.getpid(), 9)\n"
    add_submission(course, "bad", RIGHT.replace("    return 2 * number\n", body))
    _, reports = grade(course)
    assert re.search(r"so far \d\d", reports["bad"]["output"])


def test_the_stub_that_was_reached_is_named(course: Path) -> None:
    """Not the function that called it, which is filled in."""
    stub = "\n\ndef twice(number):\n    raise NotImplementedError('say it again')\n"
    add_submission(course, "bad", RIGHT.replace("return 2 * number", "return twice(number)") + stub)
    _, reports = grade(course)
    assert "twice() is not filled in yet: NotImplementedError: say it" in messages(reports["bad"])


BAD_FUNCTIONS = {
    "hangs": (
        "    import time; time.sleep(600)\n",
        "expected double() to return; for 2 s it did not",
    ),
    "recurses": ("    return double(number)\n", "RecursionError"),
    "exits": ("    import os; os._exit(0)\n", "double() ended its own process"),
    "system-exit": ("    raise SystemExit(0)\n", "SystemExit"),
    "prints-1-GB": (
        "    while True: print('x' * 10**6)\n",
        "expected double() to return; for 2 s it did not",
    ),
    "another-type": ("    return str(number)\n", "it is "),
    "no-json-type": ("    return object()\n", "an object of type object"),
    "eats-memory": ("    return len(bytearray(10**11))\n", "MemoryError"),
    # Its parent takes it along, before or after it has answered.
    "kills-parent": (
        "    import os; os.kill(os.getppid(), 9)\n",
        ("it is None", "double() ended its own process"),
    ),
}


@pytest.mark.parametrize("name", BAD_FUNCTIONS)
def test_a_function_that_misbehaves_fails_its_own_check_only(course: Path, name: str) -> None:
    """The check of that function fails with a sentence; the others keep their points."""
    body, sentence = BAD_FUNCTIONS[name]
    add_submission(course, "bad", RIGHT.replace("    return 2 * number\n", body))
    _, reports = grade(course)
    report = reports["bad"]
    assert outcomes(report) == {
        "01.value": "failed",
        "01.each-event": "passed",
        "01.after-crash": "passed",
    }
    said = report["checks"][0]["message"]
    assert any(each in said for each in ([sentence] if isinstance(sentence, str) else sentence))


def test_terminal_escapes_of_a_submission_are_shown_not_obeyed(course: Path) -> None:
    """An exception's message may not steer the instructor's terminal."""
    evil = RIGHT.replace("return 2 * number", "raise ValueError('\\x1b]0;owned\\x07')")
    add_submission(course, "esc", evil)
    done = grader(course, "grade", "subs")
    assert "\x1b]0;owned" not in done.stdout
    assert "\\x1b]0;owned" in done.stdout


def test_text_that_no_file_can_hold_costs_no_row(course: Path) -> None:
    """A lone surrogate in an exception, and a name that is not UTF-8, end up as escapes."""
    bad = RIGHT.replace("return 2 * number", "raise ValueError('\\ud800' + 'x' * 10**6)")
    add_submission(course, "sur", bad)
    name = os.fsdecode(b"caf\xe9")
    add_submission(course, name, RIGHT)
    code, reports = grade(course)
    assert code == 1
    assert "ValueError: \\ud800xxx" in reports["sur"]["checks"][0]["message"]
    assert len(reports["sur"]["checks"][0]["message"]) < 3000
    assert reports["caf\\xe9"]["score"] == 10


def test_a_huge_return_value_is_cut_in_the_report(course: Path) -> None:
    """What a submission returns may be megabytes; the report is not."""
    add_submission(course, "big", RIGHT.replace("return 2 * number", "return 'x' * 10**6"))
    _, reports = grade(course)
    assert len(reports["big"]["checks"][0]["message"]) < 3000
