"""Write the skeleton of an exercise or a check: everything that the course wants of one.

What is written passes `grader validate` at once. Its sentences hold the word PLACEHOLDER, by which
`validate` finds what the author has still to write.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import NamedTuple

from pydantic import ValidationError

from grader.course import KINDS, MANIFEST, Course, Exercise
from grader.errors import CourseError, GraderError
from grader.files import make_folder, write_whole

MARK = "PLACEHOLDER"
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TEMPLATES = Path(__file__).parent / "templates"


class NewExercise(NamedTuple):
    """An exercise that is to be written."""

    id: str
    title: str
    file: str
    services: tuple[str, ...] = ()


def new_exercise(course: Course, wanted: NewExercise) -> list[Path]:
    """Write an exercise with one check; return its files, relative to the course.

    Raises:
        GraderError: there is one of that id, or its id or file's name is none, or a file is there.
    """
    if any(each.id == wanted.id for each in course.exercises):
        raise CourseError(f"there is an exercise {wanted.id} already", "Choose another number.")
    manifest = _text(course.root / MANIFEST).rstrip() + "\n" + _exercise_entry(wanted)
    module = wanted.file.removesuffix(".py")
    words = {"id": wanted.id, "title": wanted.title, "file": wanted.file, "module": module}
    words |= _service_words(wanted.services)
    hidden, submissions = f"tests/hidden/{wanted.id}", f"tests/submissions/{{}}/{wanted.id}"
    stub = _filled("stub.txt", words)
    files = {
        f"exercises/{wanted.id}/README.md": _filled("lesson.txt", words),
        f"exercises/{wanted.id}/{wanted.file}": stub,
        f"exercises/{wanted.id}/test_{module}.py": _filled("public_test.txt", words),
        f"resources/stubs/{wanted.id}/{module}.txt": stub,
        f"solutions/{wanted.id}/{wanted.file}": _filled("solution.txt", words),
        f"{hidden}/test_{module}_hidden.py": _filled("hidden_test.txt", words),
        f"{submissions.format('wheat')}/comprehension/{wanted.file}": _filled("wheat.txt", words),
        f"{submissions.format('wheat')}/comprehension/expected.toml": _filled(
            "wheat_expected.txt", words
        ),
        f"{submissions.format('chaff')}/drops-last/{wanted.file}": _filled("chaff.txt", words),
        f"{submissions.format('chaff')}/drops-last/expected.toml": _filled(
            "chaff_expected.txt", words
        ),
    }
    return _write(course, manifest, files)


def new_check(course: Course, check_id: str) -> list[Path]:
    """Write a check of an exercise that there is; return its files, relative to the course.

    Raises:
        GraderError: the id is none or is taken, there is no such exercise, or a file is there.
    """
    number, _, slug = check_id.partition(".")
    if not _SLUG.fullmatch(slug):
        raise CourseError(
            f"{check_id!r} is no id of a check", "Write the exercise and a slug: 08.last-event."
        )
    exercise = course.exercise(number)
    if exercise.check(check_id) is not None:
        raise CourseError(f"there is a check {check_id} already", "Choose another slug.")
    name = slug.replace("-", "_")
    file = exercise.files[0]
    words = {"id": exercise.id, "check": check_id, "name": name, "module": file.removesuffix(".py")}
    words["first"] = exercise.checks[0].id  # which the stub fails, so that it is not passed by it
    chaff = f"tests/submissions/chaff/{exercise.id}/misses-{slug}"
    files = {
        f"tests/hidden/{exercise.id}/test_{name}_hidden.py": _filled("check_test.txt", words),
        f"{chaff}/expected.toml": _filled("check_expected.txt", words),
    }
    for each in exercise.files:
        source = _text(course.solution(exercise) / each)
        mistake = f"\n\ndef {name}_is_missing():\n    return True\n" if each == file else ""
        files[f"{chaff}/{each}"] = source + mistake
    manifest = _with_check(_text(course.root / MANIFEST), exercise, _filled("check.txt", words))
    return _write(course, manifest, files)


def placeholders(course: Course, exercise: Exercise) -> Iterator[str]:
    """Find what is still to be written of an exercise; a sentence for each file."""
    folders = [course.folder(exercise), course.solution(exercise), course.hidden_suite(exercise)]
    folders += [course.specimens(exercise, kind) for kind in KINDS]
    for path in (path for folder in folders for path in folder.rglob("*")):
        if path.suffix in {".py", ".md", ".toml"} and MARK in _text(path):
            yield f"{path.relative_to(course.root).as_posix()} still holds a {MARK}"
    for check in exercise.checks:
        if any(MARK in (text or "") for text in (check.title, check.hint, check.concept)):
            yield f"{MANIFEST}: {check.id} still holds a {MARK}"


def _exercise_entry(wanted: NewExercise) -> str:
    services = ", ".join(f'"{name}"' for name in wanted.services)
    line = f"services = [{services}]\n" if services else ""
    words = {"id": wanted.id, "title": _quoted(wanted.title), "file": wanted.file}
    return _filled("exercise.txt", words | {"services": line})


def _service_words(services: Sequence[str]) -> dict[str, str]:
    if not services:
        return {"fixture": "", "asked": ""}
    name = services[0]
    return {"fixture": ", service", "asked": f'    service("{name}")  # running, on its own port\n'}


def _with_check(manifest: str, exercise: Exercise, entry: str) -> str:
    """Return the manifest with a check behind the exercise's last one; all else as it is."""
    last = re.escape(f'id = "{exercise.checks[-1].id}"')
    match = re.search(rf"^{last}\n(?:(?!\[|#).*\n)*", manifest, re.MULTILINE)
    if match is None:
        raise CourseError(
            f"{MANIFEST} is not written as `grader new` reads it",
            f'Write `id = "{exercise.checks[-1].id}"` on a line of its own.',
        )
    before, after = manifest[: match.end()].rstrip("\n"), manifest[match.end() :]
    return f"{before}\n\n{entry}" + (f"\n{after}" if after else "")


def _write(course: Course, manifest: str, files: Mapping[str, str]) -> list[Path]:
    """Write all, the manifest last; nothing where one is there or the manifest would be wrong."""
    try:
        Course.model_validate(tomllib.loads(manifest))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise CourseError(
            f"{MANIFEST} would be wrong: {reason.removeprefix('Value error, ')}",
            "Nothing was written.",
        ) from None
    for name in files:
        if (course.root / name).exists():
            raise GraderError(f"{name} is there already", "Nothing was written; move it away.")
    for name, text in files.items():
        make_folder((course.root / name).parent)
        write_whole(course.root / name, text)
    write_whole(course.root / MANIFEST, manifest)
    return [*(Path(name) for name in files), Path(MANIFEST)]


def _filled(template: str, words: Mapping[str, str]) -> str:
    return Template(_text(_TEMPLATES / template)).substitute(words)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise GraderError(f"{path} cannot be read: {error.strerror}", "Put it back.") from None
