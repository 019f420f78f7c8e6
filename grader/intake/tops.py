"""Students' folders and archives side by side: which names are no student's, or may be one's twice.

Browsers and drives put a number behind a name that is there already: `Jane Doe (1)`, Macs `Jane
Doe 2`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from grader.course import Course
from grader.intake.alike import COPY, as_read
from grader.intake.called import is_called_as_work, may_be_a_section
from grader.intake.dates import ends_in_unread_date, without_stamp
from grader.intake.packed import packed_stem
from grader.spelling import folded, squeezed

_AGAIN = re.compile(r"(?P<name>.+?) ?\(\d{1,3}\)")
_BESIDE = re.compile(rf"(?P<name>.+?) (?:[1-9]|(?:- )?(?:{COPY})(?: \d+)?)", re.IGNORECASE)
"""How the systems of Macs, OneDrive and Windows call what is there already."""
_BEFORE = re.compile(rf"(?:{COPY}) (?:of|von|de|di|av) (?P<name>.+)", re.IGNORECASE)
_ATTEMPT = re.compile(r"(?P<name>[^\W\d_]+[ _-][^\d]+)[ _-]\d+")
"""A full name and a number, which before a time may be that of the attempt: `Doe_Jane_23`."""
_VERSION = re.compile(r"(?P<name>.*[^\W\d_].*?)[ _-]v(?P<number>[1-9]\d{0,3})", re.IGNORECASE)
_BETWEEN = re.compile(r"([ _-]+)")
_WORD = re.compile(r"[^\W\d_]{2,}")
_NUMBERED = re.compile(r"[a-z]{1,4}\d{1,2}", re.IGNORECASE)
"""Abbreviations of teachers': `A1`, `PS03`."""
_LATE = re.compile(r"(?P<name>.+?)(?: ?\((?i:late)\)| - (?i:late)|[ _-]LATE)")
"""A folder's name with what people add where its work came late."""
_BRANCH = re.compile(r"(?P<name>.*[^\W\d_].*)-(?:main|master)")
_COMMIT = re.compile(r"(?P<name>.*?[^\W\d_].*?)(?:-[^-]+)-[0-9a-f]{40}")
_SHORT_COMMIT = re.compile(r"(?P<name>.*[^\W\d_].*-.+)-[0-9a-f]{7}")
_LOST = re.compile(r"lost\+found|lost\.dir|found\.\d{3}", re.IGNORECASE)
"""Folders into which file systems put what they have found of files without a name."""
_TEACHERS = {
    "solution",
    "solutions",
    "samplesolution",
    "samplesolutions",
    "modelsolution",
    "modelsolutions",
    "musterlösung",
    "musterlösungen",
    "musterloesung",
    "musterloesungen",
    "lösung",
    "lösungen",
    "loesung",
    "template",
    "vorlage",
    "startercode",
}
"""Names that teachers give a folder beside those of students, squeezed."""


_ALIKE = "are read alike, whatever spaces and quotes are in them and whichever name is first"


@dataclass
class Told:
    """Doubts that the names of folders and archives leave."""

    nobodys: set[PurePosixPath] = field(default_factory=set)
    """Files of which nothing is to be taken."""
    doubtful: dict[str, str] = field(default_factory=dict)
    """By name, why it may be two people's."""
    lines: list[str] = field(default_factory=list)
    """Why something is nobody's."""


def not_told_apart(paths: Sequence[PurePosixPath]) -> Told:
    """Find what names no student among `paths`, each of which begins with a student's name."""
    found = Told()
    inside: dict[str, list[PurePosixPath]] = defaultdict(list)
    for path in paths:
        if name := path.parts[0] if len(path.parts) > 1 else packed_stem(path.name):
            inside[name].append(path)
    for name in [each for each in inside if ends_in_unread_date(each)]:
        found.nobodys.update(inside.pop(name))
        found.lines.append(
            f"{name} ends in a date whose day and month nothing tells apart; begin it with the "
            "year, as in 2026-11-20"
        )
    lost = [name for name in inside if _LOST.fullmatch(name)]
    for name in lost if len(lost) < len(inside) else ():
        found.nobodys.update(inside.pop(name))
        found.lines.append(f"{name} is a folder of the file system's, and names no student")
    _find_copies(inside, found)
    teachers = [name for name in inside if squeezed(name) in _TEACHERS]
    for name in teachers if len(teachers) < len(inside) else ():
        found.nobodys.update(inside[name])
        found.lines.append(f"{name} lies beside the students' folders, and names no student")
    return found


def _find_copies(inside: dict[str, list[PurePosixPath]], found: Told) -> None:
    there = {as_read(without_stamp(name)[0]) for name in inside}
    families: dict[str, list[str]] = defaultdict(list)
    people: dict[str, set[str]] = defaultdict(set)
    called: dict[str, str] = {}
    for name in sorted(inside):
        again = _AGAIN.fullmatch(name) or _copy_of_one(name, there)
        who, time = without_stamp(again["name"] if again else name)
        attempt = _ATTEMPT.fullmatch(who) if time else None
        short = attempt["name"] if attempt else who
        families[as_read(short)].append(name)
        # Times alone tell attempts of one person apart.
        people[as_read(short)].add(name if again else who)
        called.setdefault(as_read(short), short)
    for key, some in families.items():
        alone = len(families) == 1 and len(_WORD.findall(called[key])) < 2  # noqa: PLR2004 - no full name
        nobody = len(some) > 1 and (is_called_as_work(called[key]) or alone)
        if len(people[key]) < 2 and not nobody:  # noqa: PLR2004 - a name, and the same with a number
            continue
        found.nobodys.update(path for name in some for path in inside[name])
        first = called[key]
        if all(as_read(name) == key for name in some):
            capital = len({folded(name) for name in some}) == 1
            found.doubtful[first] = (
                f"{' and '.join(some)} {'differ in capital letters alone' if capital else _ALIKE}, "
                "and may be one person's, "
                "or two people's; put one person's files into one folder, or give the other one "
                "another name"
            )
        elif len(families) == 1 or nobody:
            more = "time" if all(without_stamp(name)[1] for name in some) else "number"
            found.lines += [
                f"{_shown(name, inside)} names no student: all are called {first}, with a {more}"
                for name in some
            ]
        else:
            found.doubtful[first] = (
                f"{' and '.join(some)} may be one person's, or two people's; put one person's "
                "files into one folder, or give the other one another name"
            )


def _copy_of_one(name: str, there: Collection[str]) -> re.Match[str] | None:
    """Match `Jane Doe 2` or `Jane Doe - Copy` beside `Jane Doe`; `Group 2` is another group."""
    found = _BESIDE.fullmatch(name) or _BEFORE.fullmatch(name) or _LATE.fullmatch(name)
    if found is None or as_read(found["name"]) not in there or may_be_a_section(found["name"]):
        return None
    return found


def _shown(name: str, inside: dict[str, list[PurePosixPath]]) -> str:
    lone = [path.name for path in inside[name] if len(path.parts) == 1]
    return lone[0] if lone else name


def without_branches(names: Collection[str]) -> dict[str, str]:
    """Return repositories' names without the branch, and the commit, that a host's archive adds.

    GitHub calls it `pipes-jdoe-main` or, asked by a program, `pipes-jdoe-0a1b2c3`, GitLab
    `jdoe-main-` and a whole hash. Of the short forms one alone tells too little.
    """
    found = {name: match["name"] for name in names if (match := _COMMIT.fullmatch(name))}
    if not found:
        for form in (_BRANCH, _SHORT_COMMIT):
            ended = {name: match["name"] for name in names if (match := form.fullmatch(name))}
            # Students' numbers are of seven digits, too.
            letters = sum(any(map(str.isalpha, name.rpartition("-")[2])) for name in ended)
            if len(ended) == len(names) > 1 and 2 * letters >= len(ended):
                found = ended
                break
    apart = {folded(found.get(name, name)) for name in names}
    return found if len(apart) == len(names) else {}


def without_branch(name: str) -> str:
    """Return what may be a repository's name without its branch: `pipes-jdoe-main`."""
    found = _BRANCH.fullmatch(name)
    return found["name"] if found else name


def late_of(names: Collection[str]) -> dict[str, str]:
    """Return the name of each that says beside it that the work came late: `Bo Li (late)`."""
    return {name: found["name"] for name in names if (found := _LATE.fullmatch(name))}


def versions(names: Collection[str]) -> dict[str, tuple[str, int]]:
    """Return name and number of each that ends in one: Submitty's `jdoe_v2`.

    None is told where some end otherwise, unless two differ in the number alone.
    """
    found = {name: match for name in names if (match := _VERSION.fullmatch(name))}
    people = Counter(folded(match["name"]) for match in found.values())
    there = {folded(name) for name in names}

    def is_told(match: re.Match[str]) -> bool:
        name = folded(match["name"])
        return len(found) == len(names) > 1 or people[name] > 1 or name in there

    return {
        name: (match["name"], int(match["number"]))
        for name, match in found.items()
        if is_told(match) and not may_be_a_section(match["name"])
    }


def words_of(course: Course) -> set[str]:
    """Return what the course calls its exercises: their titles and files, squeezed."""
    files = {PurePosixPath(name).stem for each in course.exercises for name in each.files}
    return {squeezed(name) for name in files | {each.title for each in course.exercises}}


def without_shared_words(names: Sequence[str], work: Collection[str] = ()) -> dict[str, str]:
    """Return names without what all begin or end with, where that is an exercise: `Doe_Jane_HW1`.

    Nothing is cut off of one name alone, or where two would become one.

    Args:
        names: of students' folders and archives.
        work: what the course calls its exercises, squeezed.
    """
    parts = {name: _BETWEEN.split(name) for name in names}
    words = [[word for word in each[::2] if word] for each in parts.values()]
    first = _shared([*zip(*words, strict=False)], work)
    last = _shared([*zip(*(each[::-1] for each in words), strict=False)], work, backwards=True)
    found = {}
    for name, each in parts.items():
        kept = each[2 * first : len(each) - 2 * last]
        found[name] = "".join(kept).strip()
    apart = len({folded(short) for short in found.values()}) == len(found) > 1
    if apart and all(sum(map(str.isalpha, short)) > 1 for short in found.values()):
        return {name: short for name, short in found.items() if name != short}
    return {}


def work_before(name: str, people: Collection[str], work: Collection[str]) -> str:
    """Return whose `polling-zoe-m` is where a folder of `zoe-m` is there; nothing: nobody's is."""
    parts = _BETWEEN.split(name)
    count = _shared([(word,) for word in parts[::2] if word], work)
    short = "".join(parts[2 * count :])
    there = {folded(each) for each in people}
    return short if count and folded(short) in there and folded(name) not in there else ""


def _shared(
    columns: Sequence[tuple[str, ...]], work: Collection[str], *, backwards: bool = False
) -> int:
    """Return how many words are alike in all names and are what an exercise is called."""
    alike: list[str] = []
    longest = 0
    for column in columns:
        if len({folded(word) for word in column}) > 1:
            break
        alike.append(column[0])
        words = alike[::-1] if backwards else alike
        joined = "".join(words)
        if any(map(str.isalpha, joined)) and (
            is_called_as_work(joined)
            or _NUMBERED.fullmatch(column[0])
            or any(squeezed("".join(words[at:])) in work for at in range(len(words)))
        ):
            longest = len(alike)
    return longest
