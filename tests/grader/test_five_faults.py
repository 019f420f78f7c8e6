"""The page of naive consumers: each fault that it names fails the check that it names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from grader.course import load_course
from grader.grading.many import grade_all
from grader.grading.one import Grading
from grader.grading.services import prepare_services
from grader.report import Outcome
from grader.sandbox.choice import own_code
from grader.submission import Submission

REPO = Path(__file__).resolve().parents[2]
PAGE = (REPO / "exercises/faults/README.md").read_text(encoding="utf-8")
SECTIONS = {
    match["file"]: match
    for match in re.finditer(
        r"^## .*?^```python\n# (?P<file>\w+\.py)\n(?P<code>.*?)^```$.*?"
        r"^<details markdown>\n(?P<answers>.*?)^</details>$",
        PAGE,
        re.MULTILINE | re.DOTALL,
    )
}


def named(file: str) -> list[str]:
    """The checks that the answers name."""
    return re.findall(r"\(`(\d\d\.[a-z0-9-]+)`\)", SECTIONS[file]["answers"])


def left_out(file: str) -> str:
    """What the page says is right and left out: `declare_queue`, which a suite or the program calls."""
    if file not in ("rabbitmq.py", "bridge.py"):
        return ""
    source = (REPO / "solutions/03/rabbitmq.py").read_text(encoding="utf-8")
    function = next(
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == "declare_queue"
    )
    return f"\n\n{ast.get_source_segment(source, function)}\n"


def test_every_program_has_five_answers() -> None:
    """Folded, numbered, each with a check of its own."""
    programs = ["polling.py", "tcp_socket.py", "rabbitmq.py", "sqs.py"]
    programs += ["redis_streams.py", "kafka_log.py", "bridge.py"]
    assert list(SECTIONS) == programs
    assert len(SECTIONS) == PAGE.count("<details")
    for file, section in SECTIONS.items():
        numbers = re.findall(r"^(\d)\. \*\*", section["answers"], re.MULTILINE)
        assert numbers == list("12345"), file
        assert len(set(named(file))) == len(named(file)) >= 5, file


def test_each_fault_alone_is_known_to_the_suites() -> None:
    """For each check that is named there is a submission that is wrong in that alone."""
    meant = {
        re.search(r'^fails = "(.*)"', path.read_text(encoding="utf-8"), re.MULTILINE)[1]  # type: ignore[index]
        for path in (REPO / "tests/submissions/chaff").glob("*/*/expected.toml")
    }
    assert {check for file in SECTIONS for check in named(file)} <= meant


# The suite runs in a copy of this process, whose filters it would take for its own.
@pytest.mark.parametrize("file", list(SECTIONS))
def test_each_fault_fails_its_check(file: str) -> None:
    """The hidden suite of that exercise, on the program as it stands on the page."""
    course = load_course(REPO)
    checks = named(file)
    exercise = course.exercise(checks[0].partition(".")[0])
    code = (
        "from __future__ import annotations\n" + SECTIONS[file]["code"] + left_out(file)
    ).encode()
    services = {
        name for name in exercise.services if not (file == "rabbitmq.py" and name == "redis")
    }
    with prepare_services(services) as started:
        how = Grading(course, own_code(), 1, started, only=frozenset(checks))
        ((_, report),) = grade_all([Submission("reader", exercise, {file: code}, {})], how)
    outcomes = {check.id: check for check in report.checks if check.id in checks}
    if any(check.outcome is Outcome.NOT_GRADED for check in outcomes.values()):
        pytest.skip(next(iter(outcomes.values())).message or "a service is missing")
    for check in outcomes.values():
        assert check.outcome is Outcome.FAILED, f"{check.id}: {check.outcome} {check.message}"
        assert "has no function" not in (check.message or ""), check.message
        print(f"{check.id}: {check.message}")  # noqa: T201 - shown by pytest -s, to be read
