"""What would keep a learner's files from being graded as they are, said before they are handed in.

The words are the grader's own: `grader grade` says the same to a submission of these files.
"""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path

from pydantic import ValidationError

from grader.course import Course, Exercise
from grader.errors import GraderError
from grader.files import make_folder, write_whole
from grader.learn.own_work import FOLDER, your_files
from grader.learn.trial_import import Trial, try_import
from grader.services.catalog import service_kinds
from grader.source_file import resembles
from grader.submission import Submission
from grader.worker.importing import failed, sentence

_NOT_HANDED_IN = ("test_*.py", "conftest.py", "demo*.py")
"""What the course itself has beside a learner's files."""


class _Kept(Trial):
    """A trial import, and of which files it was."""

    submission_hash: str


def look(course: Course, exercise: Exercise, *, run: bool = True) -> Trial:
    """Find what would be refused of the learner's files of `exercise`, and what would cost time.

    Where they changed since, they are imported by themselves, unless `run` says no: what is known
    without that is said.
    """
    submission = your_files(course, exercise)
    kept = _kept(course, exercise)
    if kept is not None and kept.submission_hash == submission.hash:
        trial: Trial = kept
    elif run and submission.files:
        trial = _try(course, exercise, submission)
    else:
        trial = Trial(refused=tuple(_misspelt(submission)))
    missing = [*submission.problems.values()]
    return Trial(
        refused=(*missing, *trial.refused),
        ending=trial.ending,
        noted=(
            *_to_be_copied(course, exercise, submission),
            *_elsewhere(course, exercise),
            *_hiding(course, exercise),
            *trial.noted,
        ),
    )


def _misspelt(submission: Submission) -> Iterator[str]:
    """Say which files are no Python, which is seen without running them."""
    for name, data in submission.files.items():
        try:
            with warnings.catch_warnings(action="ignore"):
                compile(data, name, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            yield failed(name, sentence(error))


def _to_be_copied(course: Course, exercise: Exercise, submission: Submission) -> Iterator[str]:
    """Yield what to copy: optional files that are imported and lie with another exercise."""
    here = course.folder(exercise).relative_to(course.root).as_posix()
    for name in exercise.optional:
        if name in submission.files or name in submission.problems:
            continue
        importing = [file for file, data in submission.files.items() if name in _imported(data)]
        others = (course.folder(each) / name for each in course.exercises if each != exercise)
        yours = next((path for path in others if path.is_file()), None)
        if importing and yours is not None:
            place = yours.relative_to(course.root).as_posix()
            yield (
                f"{importing[0]} imports {name}, which is taken from {here} and is not there: "
                f"copy yours, cp {place} {here}/"
            )


def _imported(source: bytes) -> set[str]:
    """Return the files of the modules that a file imports by name."""
    try:
        with warnings.catch_warnings(action="ignore"):
            nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError):
        return set()
    names = [each.name for node in nodes if isinstance(node, ast.Import) for each in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {f"{name.partition('.')[0]}.py" for name in names}


def _try(course: Course, exercise: Exercise, submission: Submission) -> Trial:
    modules = [name.removesuffix(".py") for name in submission.files if name in exercise.files]
    clients = [client for kind in service_kinds(exercise.services) for client in kind.clients]
    trial = try_import(submission.files, modules, course.limits.seconds, clients)
    kept = _Kept(submission_hash=submission.hash, **trial.model_dump())
    with suppress(GraderError):  # it is made again next time
        make_folder(course.root / FOLDER)
        write_whole(_path(course, exercise), kept.model_dump_json(indent=1))
    return trial


def _kept(course: Course, exercise: Exercise) -> _Kept | None:
    try:
        return _Kept.model_validate_json(_path(course, exercise).read_bytes())
    except (OSError, ValidationError):
        return None


def _path(course: Course, exercise: Exercise) -> Path:
    return course.root / FOLDER / f"{exercise.id}.import.json"


def _elsewhere(course: Course, exercise: Exercise) -> Iterator[str]:
    """Files that were meant to be handed in, by their names, and are not where they count."""
    home = course.folder(exercise)
    places = {each.id: course.folder(each) for each in course.exercises}
    for name in exercise.files:
        for number, folder in [*places.items(), ("", course.root)]:
            others = course.exercise(number).files if number else ()
            for path in sorted(_files(folder)):
                exact = path.name == name
                if path == home / name or path.name in others or not resembles(path.name, name):
                    continue
                if folder != home and not exact:
                    continue
                shown = path.relative_to(course.root).as_posix()
                yield (f"{shown} is not handed in: the name is exercises/{exercise.id}/{name}")


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []


def _hiding(course: Course, exercise: Exercise) -> Iterator[str]:
    """Files whose names are those of modules that the exercise's code may import."""
    home = course.folder(exercise)
    known = {*exercise.all_files}
    for path in sorted(_files(home)):
        if path.suffix != ".py" or path.name in known:
            continue
        if any(path.match(pattern) for pattern in _NOT_HANDED_IN):
            continue
        if path.stem in sys.stdlib_module_names or _installed(path.stem, course.root):
            yield (
                f"{path.name} hides the module {path.stem} from your tests, and is not handed in: "
                "give it another name"
            )


def _installed(name: str, root: Path) -> bool:
    """Tell whether a package of that name is installed; what the course has on the path is none."""
    installed = [
        each
        for each in sys.path
        if "site-packages" in each or "dist-packages" in each or not Path(each).is_relative_to(root)
    ]
    with suppress(ImportError, ValueError):
        return PathFinder.find_spec(name, [each for each in installed if each]) is not None
    return False
