"""Why something does not count: in lines for whoever runs the intake, and for its student."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from grader.course import Course
from grader.intake.archives import is_archive
from grader.intake.called import is_conflict_of
from grader.intake.collected import Collected
from grader.intake.entries import ANYTHING
from grader.intake.owned import Owned
from grader.intake.pieces import Piece, exercises_of, misnamed, unopened, why_nothing
from grader.source_file import resembles


class Reasons:
    """The reasons of one intake, which go into what it found."""

    def __init__(
        self,
        found: Collected,
        course: Course,
        owned: Mapping[str, Sequence[Owned]],
        handed_in: Mapping[tuple[str, str], Sequence[Piece]],
    ) -> None:
        """Write the reasons into `found`.

        Args:
            found: what the intake found.
            course: whose exercises are looked for.
            owned: by student, the files that came; filled by the intake.
            handed_in: by student and exercise, those that count; filled likewise.
        """
        self._found, self._course, self._exercises = found, course, found.exercises
        self._owned, self._handed_in = owned, handed_in
        self._others: dict[str, list[str]] = defaultdict(list)
        self._count: dict[str, int] = defaultdict(int)
        self._explained: set[str] = set()

    @property
    def _wanted(self) -> str:
        one = len(self._exercises) == 1 < len(self._course.exercises)
        return f"exercise {self._exercises[0]}" if one else "an exercise"

    def pass_over(self, student: str, shown: Collection[PurePosixPath], count: int) -> None:
        """Count files that are no exercise's, some of them with where they lie."""
        self._count[student] += count
        self._others[student] += [str(path) for path in shown]

    def fault(self, one: Owned, path: PurePosixPath, inside: PurePosixPath, why: str) -> None:
        """Say to both sides what could not be read; `why` names a file inside itself."""
        if path.name == ANYTHING:
            path = path.parent
            one = replace(one, path=one.path.parent if len(one.path.parts) > 1 else path)
        subject = one.path / inside if is_archive(inside.name) else one.path
        shown = f"{one.student}: {subject}" if is_archive(subject.name) else str(path)
        line = f"{shown} {why}"
        if line not in self._found.problems:
            self._found.problems.append(line)
            named = exercises_of(one.path / inside, self._course)
            self.refuse(one.student, named, f"{subject} was not taken: it {why}")

    def refuse(self, student: str, exercises: Collection[str], why: str) -> None:
        """Let the student read it: at those exercises, or wherever something is missing."""
        of = [each for each in exercises if each in self._exercises]
        alone = self._exercises[0] if len(self._exercises) == 1 else ""
        self._found.refused += [(student, each, why) for each in (of or [alone])]
        self._explained.add(student)

    def explain(self, withdrawn: Collection[str]) -> None:
        """Tell in a line each of whom nothing or not all counts; count the rest.

        Args:
            withdrawn: who took the work back.
        """
        for student in sorted(self._found.students):
            others = self._others[student]
            given = dict.fromkeys(PurePosixPath(each).name for each in others)
            meant = [why for each in given for why in self._misnamed(student, each)]
            if any(who == student for who, _ in self._handed_in):
                self._tell_of_an_empty_attempt(student)
                if self._count[student]:
                    self._found.passed_over[student] = self._count[student]
                for why in unopened(others):  # it may hold another exercise
                    self._found.unmatched.append(f"{student}: {why}")
                    self.refuse(student, (), why)
                continue
            if student in withdrawn:
                continue
            if student in self._explained and not self._count[student]:
                continue
            why = why_nothing(
                self._owned.get(student, ()), others, self._count[student], self._wanted
            )
            why = meant[0] if meant else why
            # Blackboard writes a receipt of each attempt, Sakai also for who made none.
            told = self._found.kind == "blackboard"
            if told or not all(one.receipt for one in self._owned.get(student, ())):
                self._found.unmatched.append(f"{student}: {why}")
            if student not in self._explained:
                self.refuse(student, (), why)

    def _tell_of_an_empty_attempt(self, student: str) -> None:
        """Say that the newest attempt holds no work, so that an older one is taken."""
        if any(who == student for who, _ in self._found.chosen):
            return  # of the versions on Submitty the student's own choice counts
        taken = max(
            piece.owner.attempt.time
            for (who, _), some in self._handed_in.items()
            if who == student
            for piece in some
        )
        newer = [one for one in self._owned.get(student, ()) if one.attempt.time > taken]
        if newer and not any(exercises_of(one.path, self._course) for one in newer):
            self._found.unmatched.append(
                f"{student}: the newest attempt holds no file of an exercise, an older one is taken"
            )

    def _misnamed(self, student: str, given: str) -> list[str]:
        """Refuse a file that was meant to be an exercise's, by its name; and return why."""
        found = []
        for exercise, name, why in misnamed(given, self._course, self._exercises, student):
            has = {piece.name for piece in self._handed_in.get((student, exercise), ())}
            if name not in has:
                found.append(why)
                self.refuse(student, (exercise,), why)
                if (student, exercise) in self._handed_in:
                    self._found.unmatched.append(f"{student}: {why}")
            elif resembles(given, name) or is_conflict_of(given, name):  # it may be the newer one
                self._found.unmatched.append(
                    f"{student}: {given} lies beside {name}, which is taken"
                )
        return found
