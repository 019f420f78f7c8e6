"""Files in no folder of their student's, whose names say whose they are: `Jane Doe - polling.py`.

Google Drive, Stud.IP and people who save e-mails write the name of the student first, edX's open
responses after a number, the forms of Google and Microsoft last; Autolab and PrairieLearn the
address, then the number of the attempt: `jdoe@x.edu_3_polling.py`.

Sources: Autolab's documentation ("Downloading submissions"), PrairieLearn's ("File submissions").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

from grader.course import EXERCISES
from grader.errors import GraderError
from grader.intake.archives import ENDINGS, is_archive
from grader.intake.called import (
    is_called_as_work,
    is_part_of,
    may_be_a_name,
    may_be_a_section,
)
from grader.intake.dates import stamped_file, with_stamp, without_stamp
from grader.intake.litter import is_litter
from grader.intake.packed import numbered_file, packed_stem
from grader.source_file import resembles
from grader.spelling import folded, squeezed

_ADDRESS = re.compile(
    r"(?P<who>[^@\s/]+@[\w-]+(?:\.[\w-]+)*?\.[a-z]{2,})_(?P<rest>.+)", re.IGNORECASE
)
_ATTEMPT = re.compile(
    r"(?P<first>\d+)_(?:.*_(?P<variant>\d{1,3})_(?P<number>\d{1,3})_)?(?P<file>[^_].*)"
)
_GRADED = re.compile(r".+_\d+_(?P<file>[^\d].*)")
"""PrairieLearn's files for manual grading: the question, and the number of the submission."""
_BETWEEN = re.compile(r"[ _.-]+")
_DASH = " - "
_NUMBER = re.compile(r" ?\(\d{1,3}\)$")
_RESPONSES = "(file responses)"
_INDEX = re.compile(r"^\[\d+\] - (?=.)")
"""The number of the question in a unit, which edX's open responses put first."""
_WORD = re.compile(r"[^\W\d_]+")
_INSIDE_WORK = {EXERCISES, "src"}
_NUMBERED = re.compile(r"\d{5,}[ _.-]")
"""A student's number before the file's name; four digits may be a year."""


def unfolded(
    paths: Sequence[PurePosixPath], names: Collection[str], exercises: Collection[str] = ()
) -> tuple[list[PurePosixPath], list[str]]:
    """Put each file into a folder called like its student, where all names say whose they are.

    Nothing is moved where files of exercises lie elsewhere too, where a name may be that of an
    exercise, a copy or the folder, or where it is one person's alone: that tells too little.
    They may lie in a folder for each exercise. Deep in a drive, ` - ` stands beside full names.

    Returns:
        Where the files lie then, and the names of the students.

    Raises:
        GraderError: two folders hold the same file of one name.
    """
    wanted = [number for number, path in enumerate(paths) if _may_be_work(path)]
    around = {paths[number].parent for number in wanted}
    base = _common(around)
    sections = {folder for folder in around if not _is_of_work(folder.name, exercises, names)}
    deep = len(base.parts) > (1 if sections or len(around) > 1 else 2)  # as `X/Homework 1/`
    if any(len(folder.parts) > len(base.parts) + 1 for folder in around) or (
        len(around) > 1 and not all(may_be_a_section(folder.name) for folder in sections)
    ):
        return [*paths], []
    if deep and not _INSIDE_WORK.isdisjoint(base.parts):
        return [*paths], []
    told = {number: _by_address(paths[number].name, names) for number in wanted}
    if not all(told.values()):
        told = {number: _by_name(paths[number], names) for number in wanted}
    found = {
        # The folder of an exercise tells of which one a file is that several have.
        number: PurePosixPath(
            path.parts[0], *_kept(paths[number].parent, exercises), *path.parts[1:]
        )
        for number, path in told.items()
        if path is not None
    }
    called = [without_stamp(path.parts[0])[0] for path in found.values()]
    people = {folded(who): who for who in called}
    if len(found) < len(wanted) or len(people) < 2:  # noqa: PLR2004 - two people
        return [*paths], []
    full = all(len(_WORD.findall(who)) > 1 for who in people)
    if deep and not (full and all(_DASH in paths[number].name for number in found)):
        return [*paths], []
    if len(around) > 1:
        # `A/jane_polling.py` beside `B/zoe_polling.py` may be two people's folders.
        inside = Counter(
            folder for folder, _ in {(paths[n].parent, found[n].parts[0]) for n in found}
        )
        if sections and max(inside[folder] for folder in sections) < 2:  # noqa: PLR2004 - as above
            return [*paths], []
        _require_one_place({paths[number]: path for number, path in found.items()})
    above = {folder for each in around for folder in each.parents}
    lone = [
        _of_one_of(path, people)
        if path.parent in around
        else PurePosixPath(path.name)
        if path.parent in above or (deep and path.parts[:1] == base.parts[:1])
        else path
        for path in paths
    ]
    return [found.get(number, path) for number, path in enumerate(lone)], sorted(people.values())


def without_owners(paths: Sequence[PurePosixPath], names: Collection[str]) -> list[PurePosixPath]:
    """Cut the owner's full name off `Jane Doe/polling_Jane Doe.py`, where all files have theirs.

    Then a program put it there, as scripts for Google's Classroom do, and no student.
    """
    found = {}
    for number, path in enumerate(paths):
        if len(path.parts) < 2 or not _may_be_work(path):  # noqa: PLR2004 - STUDENT/FILE
            continue
        told = _by_name(PurePosixPath(path.name), names)
        name = next((each for each in names if told and folded(told.name) == folded(each)), "")
        if told is None or not name or not _is_full_name(told.parts[0], path.parts[0]):
            return [*paths]
        found[number] = path.with_name(name)
    if len({path.parts[0] for path in found.values()}) < 2:  # noqa: PLR2004 - two people
        return [*paths]
    return [found.get(number, path) for number, path in enumerate(paths)]


def _is_full_name(who: str, folder: str) -> bool:
    return len(re.findall(r"[^\W\d_]+", who)) > 1 and squeezed(who) == squeezed(folder)


def _of_one_of(path: PurePosixPath, people: Mapping[str, str]) -> PurePosixPath:
    """Return STUDENT/FILE of `Jane Doe - notes.txt`, or `notes - Jane Doe.txt`, beside Jane's work.

    Of others' files it is FILE.
    """
    name = _INDEX.sub("", path.name)
    stem, ending = PurePosixPath(name).stem, PurePosixPath(name).suffix
    for between in reversed([*_BETWEEN.finditer(name)]):
        if who := people.get(folded(name[: between.start()])):
            return PurePosixPath(who, name[between.end() :] or name)
    for between in _BETWEEN.finditer(stem):
        if who := people.get(folded(stem[between.end() :])):
            return PurePosixPath(who, f"{stem[: between.start()]}{ending}")
    return PurePosixPath(path.name)


def _require_one_place(found: Mapping[PurePosixPath, PurePosixPath]) -> None:
    """Refuse a name and file that two folders hold: they may be two people's, or two attempts.

    Raises:
        GraderError: there is one.
    """
    where: dict[PurePosixPath, PurePosixPath] = {}
    for given, path in found.items():
        other = where.setdefault(path, given)
        if other != given:
            raise GraderError(
                f"{other} and {given} may be two people's, or one person's twice",
                "Take in one folder at a time, each into a folder of submissions of its own.",
            )


def _common(folders: Collection[PurePosixPath]) -> PurePosixPath:
    """Return the folder in which all of them are; one alone is that itself."""
    parts = [*zip(*(folder.parts for folder in folders), strict=False)]
    alike = [len({*column}) == 1 for column in parts]
    return PurePosixPath(*(column[0] for column in parts[: [*alike, False].index(False)]))


def _is_of_work(folder: str, exercises: Collection[str], names: Collection[str]) -> bool:
    """Tell whether a folder is called like an exercise, or as Google Forms calls a question's."""
    named = folded(folder).endswith(_RESPONSES)
    stems = {squeezed(PurePosixPath(name).stem) for name in names}
    return named or folder in exercises or is_called_as_work(folder) or squeezed(folder) in stems


def _kept(folder: PurePosixPath, exercises: Collection[str]) -> tuple[str, ...]:
    return (folder.name,) if folder.name in exercises else ()


def _may_be_work(path: PurePosixPath) -> bool:
    if not path.parts or is_litter(path):
        return False
    return path.suffix in (".py", ".ipynb") or is_archive(path.name)


def _by_address(name: str, names: Collection[str]) -> PurePosixPath | None:
    found = _ADDRESS.fullmatch(name)
    attempt = _ATTEMPT.fullmatch(found["rest"]) if found else None
    graded = _GRADED.fullmatch(found["rest"]) if found else None
    if found and graded and attempt is None and graded["file"] in names:
        return PurePosixPath(found["who"], graded["file"])
    if found is None or attempt is None:
        return None
    number = int(attempt["number"] or attempt["first"])
    # An attempt counts within a variant of a question.
    upload = int(attempt["variant"] or 0) * 1000 + number
    file = next((each for each in names if name.endswith(f"_{each}")), attempt["file"])
    return PurePosixPath(found["who"], f"Version {upload}", file) if upload else None


def _by_name(path: PurePosixPath, names: Collection[str]) -> PurePosixPath | None:
    """Return STUDENT/FILE of `Jane Doe - polling.py`, with any of ` `, `-`, `_` between them.

    Forms put the name after it: `polling - Jane Doe.py`, `polling_Jane Doe.py`. A time may be
    between the two or at the end, and a number of the question first: `[1] - jdoe - polling.py`.
    """
    name, folder = _INDEX.sub("", path.name), path.parent.name
    if (parts := stamped_file(name)) and (is_archive(name) or _is_work(parts[2], names)):
        who, time, file = parts
        return PurePosixPath(with_stamp(who, time), file) if _is_somebody(who, folder) else None
    if (parts := numbered_file(name)) and _is_work(parts[2], names):
        who, number, file = parts
        somebody = _is_somebody(who, folder)
        return PurePosixPath(who, f"Version {number}", file) if somebody else None
    ending = next((each for each in ENDINGS if name.lower().endswith(each)), path.suffix)
    stem, time = without_stamp(name.removesuffix(name[len(name) - len(ending) :]))
    found = _name_first(stem, ending, names) or _name_last(stem, ending, names)
    if found is None or not _is_somebody(found.parts[0], folder):
        return None
    return PurePosixPath(with_stamp(found.parts[0], time), found.name)


def _name_first(stem: str, ending: str, names: Collection[str]) -> PurePosixPath | None:
    for between in _BETWEEN.finditer(stem):
        student, file = stem[: between.start()], f"{stem[between.end() :]}{ending}"
        # A number of some length is the student's: `Doe_123456_polling.py`.
        if student and _is_work(file, names) and not _NUMBERED.match(file):
            return PurePosixPath(student, file)
    return None


def _name_last(stem: str, ending: str, names: Collection[str]) -> PurePosixPath | None:
    for between in _BETWEEN.finditer(stem):
        file, student = f"{stem[: between.start()]}{ending}", stem[between.end() :]
        # Of a second upload: `polling - Jane Doe (1).py` is `polling (1).py` of hers.
        who = _NUMBER.sub("", student)
        number = student.removeprefix(who)
        enclosed = who.startswith("(") and who.endswith(")")
        # Of one word nothing is concluded: `polling_test.py`.
        full = between[0] == _DASH or len(who.split()) > 1 or enclosed
        if full and _is_work(file, names) and who:
            if any(map(str.isdigit, who)):  # a variant, or more of the file's name
                continue
            who = who[1:-1] if enclosed else who
            return PurePosixPath(who, f"{stem[: between.start()]}{number}{ending}")
    return None


def _is_work(file: str, names: Collection[str]) -> bool:
    stem = packed_stem(file)
    return any(resembles(f"{stem}.py" if stem else file, each) for each in names)


def _is_somebody(student: str, folder: str) -> bool:
    letters = sum(map(str.isalpha, student))
    return (
        (letters > 1 or len(student) > 3)  # noqa: PLR2004 - a number of a student is longer
        and may_be_a_name(student)
        and not is_called_as_work(student)
        and not (folder and is_part_of(folder, student))
    )
