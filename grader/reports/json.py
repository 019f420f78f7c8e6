"""The class as one JSON document, made with one report in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from grader.report import ClassReport, Report


def json_document(head: ClassReport, reports: Iterable[Report]) -> Iterator[str]:
    """Yield the text of `head` with `reports` in it, in pieces."""
    start, end = head.model_dump_json(indent=1).rsplit("]", 1)
    yield start
    for number, report in enumerate(reports):
        yield ",\n" if number else "\n"
        yield report.model_dump_json(indent=1)
    yield f"\n]{end}\n"
