"""How often each verdict came out how, over many rounds, and kept between goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, RootModel, ValidationError

from grader.files import write_whole
from grader.report import Report


class Tally(BaseModel):
    """The verdicts on an exercise's known submissions."""

    of: str
    """Hash of what is judged and what judges."""
    rounds: int = 0
    seen: dict[str, dict[str, int]] = {}
    """Submission and check, to how often each outcome was seen."""
    first: dict[str, dict[str, str]] = {}
    """Submission and check, to the seed and the message of the first time that each was seen."""

    @property
    def verdicts(self) -> int:
        """Return how many verdicts there were, in all rounds."""
        return sum(sum(outcomes.values()) for outcomes in self.seen.values())

    def add(self, reports: Iterable[Report]) -> None:
        """Count a whole round."""
        self.rounds += 1
        for report in reports:
            for check in report.checks:
                name = f"{report.student} {check.id}"
                outcomes = self.seen.setdefault(name, {})
                outcomes[check.outcome] = outcomes.get(check.outcome, 0) + 1
                said = f"seed {report.seed}: {check.message}".rstrip(": ")
                self.first.setdefault(name, {}).setdefault(check.outcome, said)

    def varied(self) -> list[str]:
        """Return a line for each verdict that was not the same in every round."""
        return [
            f"{name} was "
            + ", ".join(
                f"{times} times {word} (first with {self.first[name][word]})"
                for word, times in outcomes.items()
            )
            for name, outcomes in self.seen.items()
            if len(outcomes) > 1
        ]


class _Kept(RootModel[dict[str, Tally]]):
    """The file: an exercise's id to its tally."""


def read_tallies(path: Path, fresh: Mapping[str, Tally]) -> dict[str, Tally]:
    """`fresh`, or what was kept of the same; rounds of other suites or submissions are left out."""
    try:
        kept = _Kept.model_validate_json(path.read_bytes()).root
    except (OSError, ValidationError):
        kept = {}
    return {
        number: kept[number] if number in kept and kept[number].of == tally.of else tally
        for number, tally in fresh.items()
    }


def write_tallies(path: Path, tallies: Mapping[str, Tally]) -> None:
    """Keep them; what other exercises have in the file stays.

    Raises:
        GraderError: the file cannot be written.
    """
    try:
        kept = _Kept.model_validate_json(path.read_bytes()).root
    except (OSError, ValidationError):
        kept = {}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, _Kept({**kept, **tallies}).model_dump_json(indent=1))
