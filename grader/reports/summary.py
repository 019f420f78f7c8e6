"""`grader summary`: a run of pytest, from its JUnit XML, as Markdown for a CI's page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from grader.errors import GraderError
from grader.reports.safe import markdown

_LONGEST = 300
"""Characters of a message; the log has all of it."""


def markdown_summary(files: list[Path]) -> str:
    """Return what passed, and a line for each test that did not.

    Raises:
        GraderError: a file is no JUnit XML.
    """
    cases = [case for file in files for case in _cases(file)]
    passed = sum(kind == "" for _, kind, _ in cases)
    lines = [f"### Public tests: {passed} of {len(cases)} pass", ""]
    lines += [
        f"- {'?' if kind == 'skipped' else '✗'} **{markdown(name)}**"
        + (" was not run" if kind == "skipped" else "")
        + (f": {markdown(message)}" if message else "")
        for name, kind, message in cases
        if kind
    ]
    if not cases:
        lines.append("No test ran; see the log.")
    lines += ["", "The hidden suite looks at more than these do."]
    return "\n".join(lines) + "\n"


def _cases(file: Path) -> Iterator[tuple[str, str, str]]:
    """Yield each test's name, `failure`, `error`, `skipped` or nothing, and the first line said."""
    try:
        root = ET.fromstring(file.read_bytes())  # noqa: S314 - by pytest, from the reader's own run
    except OSError as error:
        raise GraderError(
            f"{file} cannot be read: {error.strerror}", "Run `pytest --junitxml FILE` first."
        ) from None
    except ET.ParseError as error:
        raise GraderError(f"{file} is no JUnit XML: {error}") from None
    for case in root.iter("testcase"):
        name = case.get("name", "?").removeprefix("test_").replace("_", " ")
        found = next((each for each in case if each.tag in ("failure", "error", "skipped")), None)
        said = "" if found is None else found.get("message", "")
        first = next(iter(said.strip().splitlines()), "").removeprefix("AssertionError: ")
        if len(first) > _LONGEST:
            first = first[:_LONGEST] + "…"
        yield name, "" if found is None else found.tag, first
