"""Sorts what was handed over by student and exercise; the newest attempt counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from grader.course import Course
from grader.errors import GraderError
from grader.intake.arrange import arrange
from grader.intake.attempts import take_newest
from grader.intake.blackboard import logins, of_blackboard
from grader.intake.collected import Collected
from grader.intake.earlier import Earlier
from grader.intake.encodings import require_western
from grader.intake.entries import Entry, entries_of
from grader.intake.faults import LINK
from grader.intake.knowledge import Knowledge
from grader.intake.litter import is_litter
from grader.intake.names import FORMATS, guess
from grader.intake.owned import Owned
from grader.intake.people import Teams
from grader.intake.pieces import Piece, pieces
from grader.intake.places import FileKind, kinds
from grader.intake.reasons import Reasons
from grader.intake.sakai import is_time, time_of
from grader.intake.source import Contents, Source, opened_source
from grader.intake.students import clean_name
from grader.intake.submitty import SETTINGS, Versions
from grader.intake.whose import owners
from grader.submission import TIMESTAMP

__all__ = ["Collected", "collect"]

_FOLDERS = ("nbgrader", "folder", "github")
"""Formats in which the first folder is a student's."""


def collect(
    source: Path,
    course: Course,
    kind: str = "auto",
    exercise: str = "",
    known: Mapping[str, str] | None = None,
    *,
    roster: Collection[str] = (),
    teams: Teams | None = None,
    level: int = 0,
    earlier: Earlier | None = None,
) -> Collected:
    """Sort what lies in `source`, a folder or an archive.

    Args:
        source: what an LMS's download, a folder of repositories or nbgrader holds.
        course: whose exercises are looked for.
        kind: a key of FORMATS, or `auto`.
        exercise: look for the files of this exercise alone.
        known: the `users` of earlier intakes, who keep their folders.
        roster: the LMS's numbers of the course's students, which tell what a name means.
        teams: whose work a team's is.
        level: the depth of the students' folders, the outermost being 1; 0: find it out.
        earlier: what is in the folder of submissions already.

    Raises:
        GraderError: `source` cannot be read at all.
    """
    with opened_source(source) as listing:
        if all(is_litter(path) for path in listing.paths) and not listing.closed:
            raise GraderError(
                f"{source} holds no files", "Name the download of your LMS, or a folder."
            )
        knowledge = Knowledge(known or {}, roster, teams, earlier=earlier or Earlier())
        wanted = (course.exercise(exercise),) if exercise else course.exercises
        return _Intake(listing, course, [each.id for each in wanted]).of(kind, knowledge, level)


class _Intake:
    """The sorting of one download."""

    def __init__(self, source: Source, course: Course, exercises: list[str]) -> None:
        self._source, self._course, self._exercises = source, course, exercises
        self._entries = entries_of(source)
        self._submitters: Teams | None = None
        self._handed_in: dict[tuple[str, str], list[Piece]] = defaultdict(list)
        self._owned: dict[str, list[Owned]] = defaultdict(list)
        self._versions = Versions()
        self._withdrawn: set[str] = set()
        self._cloned = False

    def of(self, kind: str, knowledge: Knowledge, level: int = 0) -> Collected:
        """Sort it by the names of that format."""
        ids = [each.id for each in self._course.exercises]
        guessed = "folder" if level else guess(self._real(), ids)
        used = guessed if kind == "auto" else kind
        self._found = Collected(used, tuple(self._exercises))
        self._why = Reasons(self._found, self._course, self._owned, self._handed_in)
        if used in _FOLDERS:
            first = kind == "folder" and not level
            ask = kind == "auto"
            turned = self._find_students_folders(
                first=first, level=level, people=knowledge.earlier.folders, ask=ask
            )
            # nbgrader's timestamp.txt is a collector's; where folders were turned, a student's.
            used = "folder" if turned else guess(self._real(), ids)
            self._found.kind = used = used if kind == "auto" else kind
        self._drop_nobodys_empty(used)
        used = "folder" if self._cloned else used  # nothing more is cut off of a login
        if knowledge.teams is None and self._submitters:
            knowledge = replace(knowledge, teams=self._submitters, listed=True)
        knowledge = replace(knowledge, flat=bool(self._found.named))
        if used == "blackboard":
            knowledge = replace(knowledge, logins=self._logins())
        whose = owners([entry.path for entry in self._entries], used, knowledge)
        if self._source.unclear:
            require_western({one.student for some in whose.of for one in some})
        self._found.teams = whose.teams
        self._found.users, self._found.participants = whose.users, whose.participants
        self._found.namesakes = whose.namesakes
        self._found.renamed, self._found.absent = sorted(whose.renamed), whose.absent
        self._found.unmatched += whose.unmatched
        self._found.doubtful += whose.doubtful
        self._found.students.update(whose.without)
        for student, why in whose.without.items():
            self._why.refuse(student, (), why)
        self._read(whose.of)
        self._drop_optional_alone()
        self._drop_inactive()
        self._why.explain(self._withdrawn)
        take_newest(self._handed_in, self._found)
        return self._found

    def _real(self) -> list[PurePosixPath]:
        return [entry.path for entry in self._entries if not entry.empty]

    def _logins(self) -> dict[str, str]:
        """Return the logins that the texts name which Blackboard puts beside each attempt."""
        at = {e.number: e.path for e in self._entries if e.number is not None and _is_receipt(e)}
        read = self._source.read([*at], ["" for _ in at], frozenset())
        return logins((at[number], data) for number, held in read for _, data in held.files)

    def _drop_nobodys_empty(self, kind: str) -> None:
        """Keep of the empty folders those that are somebody's by their names."""

        def named(path: PurePosixPath) -> bool:
            return kind != "canvas" and len(path.parts) > 1 and FORMATS[kind](path) is not None

        self._entries = [entry for entry in self._entries if not entry.empty or named(entry.path)]

    def _find_students_folders(
        self, *, first: bool, level: int, people: Collection[str], ask: bool
    ) -> bool:
        """Let each path begin with a student's folder or archive; leave out what has none.

        Returns:
            Whether exercises' folders were around the students', or files were called after them.
        """
        found = arrange(
            *(self._entries, self._source, self._course),
            first=first,
            level=level,
            people=people,
            ask=ask,
        )
        self._cloned = found.cloned
        self._entries, self._submitters = found.entries, found.submitters
        self._found.named = found.named
        self._found.around += found.layout.around
        self._found.unmatched += found.unmatched
        for name, why in found.layout.torn.items():
            self._found.doubtful.append(why)
            self._found.students.add(clean_name(name))
            self._why.refuse(
                clean_name(name), (), "it may be somebody else's, who has that name too"
            )
        for name in found.layout.unsubmitted:
            why = "nothing was submitted: the work lies among the working files alone"
            self._found.unmatched.append(f"{name}: {why}")
            self._found.students.add(clean_name(name))
            self._why.refuse(clean_name(name), (), why)
        return found.layout.turned or found.flat

    def _read(self, whose: list[tuple[Owned, ...]]) -> None:
        """Read what is wanted of everybody's, and no more."""
        places = self._places(whose)
        wanted, groups = dict[int, int](), []
        has_work = {
            whose[index][0].student
            for index, place in places.items()
            if place in (FileKind.WANTED, FileKind.ARCHIVE)
        }
        for index, place in places.items():
            entry = self._entries[index]
            # A link to data or packages beside the work is nobody's problem.
            if entry.fault == LINK and whose[index][0].student in has_work:
                continue
            if entry.fault and place is not FileKind.PASSED_OVER:
                fault = Contents(faults=[(PurePosixPath(), entry.fault)])
                self._take(index, whose[index], fault)
            elif entry.number is not None and place in (FileKind.WANTED, FileKind.ARCHIVE):
                wanted[entry.number] = index
                groups.append(whose[index][0].student)
        names = {n for e in self._course.exercises if e.id in self._exercises for n in e.all_files}
        for number, contents in self._source.read(list(wanted), groups, frozenset(names)):
            self._take(wanted[number], whose[wanted[number]], contents)

    def _places(self, whose: list[tuple[Owned, ...]]) -> dict[int, FileKind]:
        """Return what each file is among those of its owner, where it counts at all."""
        by_owner: dict[str, list[int]] = defaultdict(list)
        found: dict[int, FileKind] = {}
        for index, some in enumerate(whose):
            for one in some:
                self._found.students.add(one.student)
                self._owned[one.student].append(one)
            settings = [one for one in some if one.path.name == SETTINGS]
            if settings or (some and self._found.kind == "sakai" and is_time(some[0])):
                found[index] = FileKind.WANTED
            elif some and not some[0].receipt and not self._entries[index].empty:
                by_owner[some[0].student].append(index)
        names = {n for e in self._course.exercises if e.id in self._exercises for n in e.all_files}
        for indexes in by_owner.values():
            paths = [whose[index][0].path for index in indexes]
            for index, path, place in zip(indexes, paths, kinds(paths, names), strict=True):
                stamp = self._found.kind == "nbgrader" and path.name == TIMESTAMP
                stamped = stamp and path.parts[:-1] in {(each,) for each in self._exercises}
                found[index] = FileKind.WANTED if stamped else place
                closed = self._entries[index].fault and place is FileKind.OTHER
                if not stamped and not closed and place in (FileKind.OTHER, FileKind.PASSED_OVER):
                    for one in whose[index]:
                        self._why.pass_over(
                            one.student, [path] if place is FileKind.OTHER else [], 1
                        )
        return found

    def _take(self, index: int, some: tuple[Owned, ...], contents: Contents) -> None:
        """Sort what a file held by exercise, for each of its owners."""
        for one in some:
            for inside, why in contents.faults:
                self._why.fault(one, self._entries[index].path, inside, why)
            if one.path.name == TIMESTAMP:
                self._take_time(one, contents)
                continue
            if one.path.name == SETTINGS:
                for _, data in contents.files:
                    self._versions.learn(one, data)
                continue
            inner = [one.path / path for path in contents.others]
            self._why.pass_over(one.student, inner, contents.passed_over)
            for piece in pieces(one, contents, self._course, self._exercises):
                if isinstance(piece, Piece):
                    self._handed_in[one.student, piece.exercise].append(piece)
                    if piece.told:
                        self._found.copies.append(f"{one.student} {piece.exercise}: {piece.told}")
                else:
                    self._found.problems.append(f"{one.student}: {piece}")
                    self._why.refuse(one.student, (), piece)

    def _take_time(self, one: Owned, contents: Contents) -> None:
        """Keep what the LMS wrote into a file of when something was handed in."""
        for _, data in contents.files:
            if not is_time(one):
                self._found.stamps[one.student, one.path.parts[0]] = data
            elif time := time_of(data):
                self._found.times[one.student] = time

    def _drop_inactive(self) -> None:
        """Leave out the versions of a submission on Submitty that their student did not choose."""
        left = self._versions.drop_others(self._handed_in)
        self._found.inactive += left.lines
        self._withdrawn, self._found.chosen = left.withdrawn, left.chosen
        for (student, number), why in left.without.items():
            self._why.refuse(student, (number,), why)

    def _drop_optional_alone(self) -> None:
        """Keep optional files only where they came with a file of their exercise.

        Of an optional file that lies in no exercise's folder nothing else tells whose it is.
        """
        taken: set[tuple[str, PurePosixPath]] = set()
        dropped: list[tuple[str, PurePosixPath]] = []
        for (student, number), some in list(self._handed_in.items()):
            places = [(student, piece.path) for piece in some]
            if any(piece.name in self._course.exercise(number).files for piece in some):
                taken.update(places)
            else:
                dropped += places
                del self._handed_in[student, number]
        for student, path in dict.fromkeys(dropped):
            if (student, path) not in taken:
                why = f"{path} came without a file of its exercise"
                self._found.unmatched.append(f"{student}: {why}")
                self._why.refuse(student, (), why)


def _is_receipt(entry: Entry) -> bool:
    one = of_blackboard(entry.path)
    return one is not None and one.receipt
