"""Files in no folder of their student's, whose names say whose they are: `Jane Doe - polling.py`.

Google Drive, Stud.IP and people who save e-mails write the name of the student first; Autolab and
PrairieLearn the address, then the number of the attempt: `jdoe@x.edu_3_polling.py`. Sources:
Autolab's documentation ("Downloading submissions"), PrairieLearn's ("File submissions").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from grader.intake.archives import is_archive
from grader.intake.called import is_called_as_work, is_part_of, may_be_a_name
from grader.intake.litter import is_litter
from grader.source_file import resembles
from grader.spelling import folded

_ADDRESS = re.compile(
    r"(?P<who>[^@\s/]+@[\w-]+(?:\.[\w-]+)*?\.[a-z]{2,})_(?P<rest>.+)", re.IGNORECASE
)
_ATTEMPT = re.compile(
    r"(?P<first>\d+)_(?:.*_(?P<variant>\d{1,3})_(?P<number>\d{1,3})_)?(?P<file>[^_].*)"
)
_BETWEEN = re.compile(r"[ _.-]+")


def unfolded(
    paths: Sequence[PurePosixPath], names: Collection[str]
) -> tuple[list[PurePosixPath], list[str]]:
    """Put each file into a folder called like its student, where all names say whose they are.

    Nothing is moved where files of exercises lie elsewhere too, where a name may be that of an
    exercise, a copy or the folder, or where it is one person's alone: that tells too little.

    Returns:
        Where the files lie then, and the names of the students.
    """
    wanted = [number for number, path in enumerate(paths) if _may_be_work(path)]
    around = {paths[number].parent for number in wanted}
    if len(around) != 1 or len(min(around).parts) > 1:
        return [*paths], []
    (folder,) = around
    told = {number: _by_address(paths[number].name, names) for number in wanted}
    if not all(told.values()):
        told = {number: _by_name(paths[number].name, names, folder.name) for number in wanted}
    found = {number: path for number, path in told.items() if path is not None}
    people = {folded(path.parts[0]): path.parts[0] for path in found.values()}
    if len(found) < len(wanted) or len(people) < 2:  # noqa: PLR2004 - two people
        return [*paths], []
    lone = [PurePosixPath(path.name) if path.parent == folder else path for path in paths]
    return [found.get(number, path) for number, path in enumerate(lone)], sorted(people.values())


def _may_be_work(path: PurePosixPath) -> bool:
    if not path.parts or is_litter(path):
        return False
    return path.suffix in (".py", ".ipynb") or is_archive(path.name)


def _by_address(name: str, names: Collection[str]) -> PurePosixPath | None:
    found = _ADDRESS.fullmatch(name)
    attempt = _ATTEMPT.fullmatch(found["rest"]) if found else None
    if found is None or attempt is None:
        return None
    number = int(attempt["number"] or attempt["first"])
    # An attempt counts within a variant of a question.
    upload = int(attempt["variant"] or 0) * 1000 + number
    file = next((each for each in names if name.endswith(f"_{each}")), attempt["file"])
    return PurePosixPath(found["who"], f"Version {upload}", file) if upload else None


def _by_name(name: str, names: Collection[str], folder: str) -> PurePosixPath | None:
    """Return STUDENT/FILE of `Jane Doe - polling.py`, with any of ` `, `-`, `_` between them."""
    for between in _BETWEEN.finditer(name):
        student, file = name[: between.start()], name[between.end() :]
        if student and any(resembles(file, each) for each in names):
            return PurePosixPath(student, file) if _is_somebody(student, folder) else None
    return None


def _is_somebody(student: str, folder: str) -> bool:
    letters = sum(map(str.isalpha, student))
    return (
        (letters > 1 or len(student) > 3)  # noqa: PLR2004 - a number of a student is longer
        and may_be_a_name(student)
        and not is_called_as_work(student)
        and not (folder and is_part_of(folder, student))
    )
