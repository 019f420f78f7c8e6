"""What a run over mutants says: the survivors, what was not decided, the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from grader.authoring.mutants.record import Record
from grader.authoring.mutants.run import Fate, Result
from grader.authoring.mutants.source import Mutant


def print_mutants(mutants: Sequence[Mutant], console: Console) -> None:
    """Print each mutant: its id, its line, and what was changed."""
    for mutant in mutants:
        _print_mutant(mutant, "", console, "dim")


def print_results(
    results: Sequence[Result], records: Mapping[str, Record], console: Console
) -> list[str]:
    """Print the score; what else is wrong than that some survived, a sentence each."""
    faults = []
    survivors = [result for result in results if is_survivor(result, records)]
    equivalent = 0
    for result in sorted(results, key=lambda result: result.mutant.id):
        mutant = result.mutant
        record = records[mutant.submission.exercise.id]
        listed = record.reason(mutant.id) is not None
        equivalent += listed
        if result.fate is Fate.UNDECIDED:
            faults.append(f"{mutant.id} was not decided: {result.told}")
        elif listed and result.fate is Fate.KILLED:
            faults.append(
                f"{mutant.id} was killed, and {record.path.name} says that it is equivalent: "
                f"{result.told}"
            )
    killed = sum(result.fate is Fate.KILLED for result in results)
    real = len(results) - equivalent
    share = f"{killed / real:.1%}" if real else "-"
    console.print(
        f"{killed} of {real} mutants killed ({share}), {len(survivors)} survived; "
        f"{equivalent} more are equivalent",
        soft_wrap=True,
    )
    return faults


def is_survivor(result: Result, records: Mapping[str, Record]) -> bool:
    """Tell whether no check noticed the mutant, and no record says that it is equivalent."""
    known = records[result.mutant.submission.exercise.id].reason(result.mutant.id)
    return result.fate is Fate.SURVIVED and known is None


def print_survivor(mutant: Mutant, console: Console) -> None:
    """Print its id, its line, and what was changed."""
    _print_mutant(mutant, "survived", console, "red")


def _print_mutant(mutant: Mutant, said: str, console: Console, style: str) -> None:
    console.print(Text(f"{mutant.id} (line {mutant.line}) {said}".rstrip(), style), soft_wrap=True)
    for line in mutant.diff.splitlines():
        console.print(Text(f"    {line}"), soft_wrap=True)
