"""The page of messages: every sentence that known-wrong submissions are told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from grader.course import Check, Course, Exercise
from grader.report import Outcome, Report

Told = Mapping[str, Sequence[str]]
"""By the id of a check: what submissions were told there, each with the submission's name."""

_HEAD = """\
# What a wrong submission is told

Every sentence that a known-wrong submission (tests/submissions/chaff) gets for a check that it
fails: what was wanted, what happened, with the values. Read it as a student would. The sentences
stand in tests/hidden and grader/suite; this page is written by

    grader validate --seed {seed} --messages docs/messages.md
"""
_LONGEST = 400
# What is new in every run, whatever the seed.
_MASKS = (
    (re.compile(r"\b(trips|submission)-[0-9a-f]{8,}"), r"\1-…"),
    (re.compile(r"/state/[0-9a-f]{6}-"), "/state/"),
    (re.compile(r"for \d+ s it did (neither|not)\b"), r"for 10 s it did \1"),
)
_LINE = re.compile(r"([a-z0-9-]+): (.*)")


def messages_page(
    course: Course, seed: int, graded: Iterable[tuple[Exercise, str, Report]], before: str = ""
) -> str:
    """Return the page.

    Args:
        course: in its order.
        seed: of the run.
        graded: known-wrong submissions with their names.
        before: a page whose sections stay where nothing of their exercise was graded.
    """
    told = list(graded)
    renewed = {exercise.id for exercise, _, _ in told}
    kept = {part.partition("\n")[0]: part for part in before.split("\n## ")[1:]}
    parts = [_HEAD.format(seed=seed)]
    for exercise in course.exercises:
        for check in exercise.checks:
            if exercise.id in renewed:
                parts.append(_section(exercise, check, told))
            elif check.id in kept:
                parts.append(f"\n## {kept[check.id].rstrip()}\n")
    return "".join(parts)


def seed_of(page: str) -> int | None:
    """Return the seed of the run that wrote the page; None of another text."""
    found = re.search(r"grader validate --seed (\d+) --messages", page)
    return int(found[1]) if found else None


def _section(exercise: Exercise, check: Check, told: Iterable[tuple[Exercise, str, Report]]) -> str:
    lines = [
        f"{name}: {shown(result.message)}"
        for each, name, report in told
        if each.id == exercise.id
        for result in report.checks
        if result.id == check.id and result.outcome is Outcome.FAILED
    ]
    if not lines:
        return ""
    block = "\n".join(lines)
    return f"\n## {check.id}\n\n{check.title}.\n\n```text\n{block}\n```\n"


def read_page(text: str) -> dict[str, list[str]]:
    """Return the sentences on a page, by the id of their check."""
    found: dict[str, list[str]] = {}
    check, in_block = "", False
    for line in text.splitlines():
        if line.startswith("## "):
            check = line.removeprefix("## ")
        elif line.startswith("```"):
            in_block = not in_block
        elif in_block and (match := _LINE.fullmatch(line)):
            found.setdefault(check, []).append(match[2])
    return found


def news(told: Told, graded: Iterable[tuple[str, Report]]) -> Iterator[str]:
    """Sentences that are not on the page of `told`, numbers and values aside; a line each."""
    for name, report in graded:
        for result in report.checks:
            if result.outcome is not Outcome.FAILED:
                continue
            known = {form(each) for each in told.get(result.id, ())}
            if form(shown(result.message)) not in known:
                yield f"{result.id} {name}: {shown(result.message)}"


def shown(message: str) -> str:
    """Return a message on one line, without what differs from run to run."""
    text = " ".join(message.split())
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def form(message: str) -> str:
    """Return what is left of a sentence without its values: those change with the seed."""
    text = re.sub(r"\{.*\}|\[.*\]|b?'[^']*'|b?\"[^\"]*\"", "…", message)
    return re.sub(r"(\d+(\.\d+)?|none|nothing|unknown|…)(, (\d+|unknown))*", "…", text)
