"""What tests of sandboxes need: the least of a Consumer's, and a submission's verdicts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from grader.course import load_course
from grader.grading.many import grade_all
from grader.grading.one import Grading
from grader.report import CheckResult
from grader.sandbox.base import Sandbox
from grader.submission import Submission
from grader.suite.imports import Imports
from grader.suite.session import ServiceFactory

CODE = b"""\
import os, socket, subprocess, sys

def run(code):
    space = {}
    exec(code, space)
    return space.get("result")

def events(items, handle):
    for item in items:
        handle(item)

def serve(port, ready):
    server = socket.create_server(("localhost", port))
    ready()
    connection, _ = server.accept()
    return connection.recv(10)
"""
"""A submission that runs what a test gives it."""


class Lab:
    """A running sandbox, and no module that was found broken."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.broken_modules: dict[str, str] = {}
        self.imports = Imports()
        self.spared: set[int] = set()
        self.hung_in: set[tuple[str, str]] = set()
        self.waits_once = False

    def sandbox(self) -> Sandbox:
        """The same one each time."""
        return self._sandbox

    def serves(self) -> bool:
        """There are no services."""
        return True

    def exceeded(self) -> str:
        """Nothing is counted."""
        return ""


def verdicts(
    exercise: str,
    files: Mapping[str, bytes],
    kind: type[Sandbox],
    only: Collection[str],
    services: Mapping[str, ServiceFactory] | None = None,
) -> dict[str, CheckResult]:
    """The rows, by check, of a submission of this course's; of the checks of `only` alone."""
    course = load_course(Path(__file__).resolve().parents[2])
    how = Grading(course, kind, 1, services or {}, only=frozenset(only))
    ((_, report),) = grade_all([Submission("student", course.exercise(exercise), files, {})], how)
    return {check.id: check for check in report.checks if check.id in only}
