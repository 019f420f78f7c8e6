"""Whose each file of a download is: the names, a roster and a file of teams taken together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from grader.intake.alike import may_be_there
from grader.intake.brightspace import tell_apart, undated
from grader.intake.canvas import decide, readings
from grader.intake.earlier import Known, known_participants
from grader.intake.knowledge import Knowledge, Owners
from grader.intake.loose import is_beside_work
from grader.intake.moodle import are_several, of_several, unnamed
from grader.intake.names import (
    FORMATS,
    GRADESCOPE,
    LASTING,
    LISTINGS,
    MOODLE,
    file_by_file,
    numbered,
)
from grader.intake.owned import Owned
from grader.intake.people import Teams
from grader.intake.students import Person, clean_name, folders, short_names
from grader.spelling import folded, squeezed


def owners(paths: Sequence[PurePosixPath], kind: str, known: Knowledge) -> Owners:
    """Find out whose each of `paths` is in a download of that kind."""
    found = Owners()
    given = _by_name(paths, kind, known, found)
    _refuse_shared_numbers(paths, given, kind, found)
    before = _of_moodle(paths, given, kind, known, found)
    if known.teams:
        members = _with_members(given, kind, known, known.teams, found)
    else:
        members = [() if one is None else (one,) for one in given]
    people = {(one.student, one.user) for some in members for one in some} | {*found.torn}
    chosen = _folders(people, kind, known, found, before)
    _ask_of_names(chosen, kind, known, found, before)
    found.without |= {chosen[person]: why for person, why in found.torn.items()}
    members_of: dict[str, list[str]] = defaultdict(list)
    for person, team in found.team_of.items():
        members_of[team].append(chosen[person])
    for team, students in members_of.items():
        if len(students) > 1:  # Gradescope lists who handed in alone, too
            found.teams |= dict.fromkeys(students, f"{team}: {', '.join(sorted(students))}")
    found.of = [
        tuple(
            replace(one, student=chosen[one.student, one.user])
            for one in some
            if chosen[one.student, one.user] not in found.unclear
        )
        for some in members
    ]
    return found


def _by_name(
    paths: Sequence[PurePosixPath], kind: str, known: Knowledge, found: Owners
) -> list[Owned | None]:
    """Whose each file is by its name; what nobody's is, or two people's, is a line."""
    if kind != "canvas":
        given = [FORMATS[kind](path) for path in paths]
        if kind == "moodle":
            given = of_several(paths, unnamed(given))
        elif kind in ("folder", "github"):
            given = numbered(file_by_file(given) if known.flat else given)
        elif kind == "brightspace":
            given = _of_brightspace(paths, given, known, found)
        candidates = [[] if one is None else [one] for one in given]
    else:
        numbers = {who.partition(" ")[2] for who in known.users.values() if who.startswith(kind)}
        teams = {*known.teams.members} if known.teams else set()
        if known.teams:
            numbers |= known.teams.numbers
        candidates = decide([readings(path) for path in paths], known.roster or numbers, teams)
    for path, some in zip(paths, candidates, strict=True):
        if not some and path.name != LISTINGS.get(kind) and not is_beside_work(path.name):
            found.unmatched.append(f"{path}: no student's name is in it")
        elif len(some) > 1:
            ways = " or ".join(f"{one.path} of {one.student}, number {one.user}" for one in some)
            found.doubtful.append(f"{path} is {ways}; a roster can tell (--roster)")
    return [some[0] if len(some) == 1 else None for some in candidates]


def _of_brightspace(
    paths: Sequence[PurePosixPath],
    given: Sequence[Owned | None],
    known: Knowledge,
    found: Owners,
) -> list[Owned | None]:
    """Keep a number where it is a person's; take nothing of what has no order in time."""
    before = [
        who.partition(" ")[2] for who in known.users.values() if who.startswith("brightspace")
    ]
    owned, found.lasting = tell_apart(given, before)
    unclear = undated(owned)
    for number, one in enumerate(owned):
        if one and (one.student, one.user) in unclear:
            found.doubtful.append(
                f"{paths[number]}: which of {one.student}'s attempts is the newest?"
            )
            found.without[clean_name(one.student)] = (
                "there are several attempts, and no time tells the newest"
            )
    return [None if one and (one.student, one.user) in unclear else one for one in owned]


def _refuse_shared_numbers(
    paths: Sequence[PurePosixPath], given: list[Owned | None], kind: str, found: Owners
) -> None:
    """Take nothing of two students to whom an LMS gives one number: one of them is misread."""
    if kind not in LASTING or not found.lasting:
        return
    names: dict[str, dict[str, str]] = defaultdict(dict)
    for one in given:
        if one is not None and one.user:
            names[one.user][folded(one.student)] = one.student
    for number, one in enumerate(given):
        if one is not None and len(names[one.user]) > 1:
            who = " and ".join(sorted(names[one.user].values()))
            found.doubtful.append(f"{paths[number]} has the number {one.user}, as {who} have")
            given[number] = None


def _with_members(
    given: Sequence[Owned | None], kind: str, known: Knowledge, teams: Teams, found: Owners
) -> list[tuple[Owned, ...]]:
    """Each file for each member of the team that handed it in."""
    named = {
        one.user: one.student for one in given if one and one.user and not teams.of(one.student)
    }
    short = short_names({one.student for one in given if one}, kind, known.logins)
    everybody = {squeezed(name) for people in teams.members.values() for name, _ in people}
    teams_of: dict[Person, set[str]] = defaultdict(set)
    shared: list[tuple[Owned, ...]] = []
    alone = set()
    for one in given:
        people = teams.of(one.student) or teams.of(short[one.student]) if one else ()
        if one is None:
            shared.append(())
        elif not people:
            shared.append((one,))
            group = one.student.partition("-")[0]  # Moodle's `Group A-Jane Doe`
            if squeezed(short[one.student]) in {squeezed(name) for name, _ in teams.of(group)}:
                found.team_of[one.student, one.user] = group
            if one.user not in teams.numbers and squeezed(short[one.student]) not in everybody:
                alone.add(one.student)
        else:
            persons = [(named.get(user, name), user) for name, user in people]
            for person in persons:
                teams_of[person].add(one.student)
            time = teams.times.get(squeezed(one.student), one.submitted)
            members = (replace(one, student=n, user=u, submitted=time) for n, u in persons)
            shared.append(tuple(members))
    found.unmatched += [f"{name}: {teams.path} names no members of it" for name in sorted(alone)]
    there = {squeezed(each) for names in short.items() for each in names}
    absent = [
        name
        for key, name in teams.names.items()
        if key not in there
        and not any(squeezed(member) in there for member, _ in teams.members[key])
    ]
    if absent:
        found.absent.append(f"{', '.join(absent)}, by {teams.path}")
    for person, some in teams_of.items():
        if len(some) == 1:
            (found.team_of[person],) = some
        else:
            found.torn[person] = f"the teams {' and '.join(sorted(some))} both handed in"
            found.doubtful.append(f"{person[0]}: {found.torn[person]}")
    return [tuple(m for m in some if (m.student, m.user) not in found.torn) for some in shared]


def _of_moodle(
    paths: Sequence[PurePosixPath],
    given: list[Owned | None],
    kind: str,
    known: Knowledge,
    found: Owners,
) -> Known:
    """Say what earlier downloads of Moodle's tell; take nothing of who may be somebody else."""
    if kind != MOODLE:
        return Known()
    short = short_names({one.student for one in given if one}, kind, known.logins)
    people = {(short[one.student], one.user) for one in given if one}
    several = are_several(paths, given)
    before = known_participants(people, known.earlier, several=several)
    for number, one in enumerate(given):
        if one and (short[one.student], one.user) in before.doubtful:
            given[number] = None
    found.doubtful += [f"{name} {why}" for (name, _), why in before.doubtful.items()]
    return before


def _folders(
    people: Collection[Person], kind: str, known: Knowledge, found: Owners, of_moodle: Known
) -> dict[Person, str]:
    """Return the folder of everybody, by name and number as the source has them."""
    short = short_names({name for name, _ in people}, kind, known.logins)
    shown = {person: (short[person[0]], person[1]) for person in people}
    source = GRADESCOPE if known.listed else kind
    lasting = source in LASTING and found.lasting
    shared = _shared(shown.values()) if known.listed else set()
    before = {who: student for student, who in known.users.items()}
    kept = {
        (name, user): before[who]
        for name, user in shown.values()
        if lasting and user not in shared and (who := f"{source} {user}") in before
    }
    kept |= {
        person: folder for person, folder in of_moodle.kept.items() if person in shown.values()
    }
    used = [student for student, who in known.users.items() if who.startswith(f"{source} ")]
    chosen = folders({*shown.values()}, kept, [*used, *kept.values(), *of_moodle.others])
    for (name, user), student in chosen.items():
        if user and lasting and user not in shared:
            found.users[student] = f"{source} {user}"
        if user and kind == MOODLE and of_moodle.assignment:
            found.participants[student] = f"{kind} {user} {of_moodle.assignment}"
        if (name, user) in kept and not folded(student).startswith(folded(clean_name(name))):
            found.renamed.add(f"{name} has the number of {student}")
        elif student != clean_name(name):
            found.namesakes.append(student)
    return {person: chosen[shown[person]] for person in people}


def _ask_of_names(
    chosen: Mapping[Person, str], kind: str, known: Knowledge, found: Owners, of_moodle: Known
) -> None:
    """Take nothing of who may be somebody who is there, under a name that is written otherwise.

    Who has another number, or is in this download too, is somebody else.
    """
    others = {*chosen.values(), *of_moodle.others}
    source = GRADESCOPE if known.listed else kind
    if source in LASTING and found.lasting:
        others |= {folder for folder, who in known.users.items() if who.startswith(f"{source} ")}
    names = {*chosen.values()} - {*found.namesakes}
    for folder, there in may_be_there(names, known.earlier.folders, others).items():
        found.unclear.add(folder)
        found.doubtful.append(
            f"{folder} may be {there}, whose folder is there; if they are one person, rename that "
            f"folder to {folder}, else make a folder {folder} beside it; then take this in again"
        )


def _shared(people: Collection[Person]) -> set[str]:
    """Return the numbers that two people have, by which nobody is known again."""
    names: dict[str, set[str]] = defaultdict(set)
    for name, user in people:
        names[user].add(folded(name))
    return {user for user, some in names.items() if len(some) > 1}
