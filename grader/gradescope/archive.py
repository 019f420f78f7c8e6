"""`grader gradescope`: the archive that Gradescope makes an autograder of.

Source: Gradescope's autograder specification, gradescope-autograders.readthedocs.io.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from grader.course import Course, Exercise
from grader.errors import GraderError
from grader.files import writing_whole
from grader.grading.one import require_suite
from grader.plugins import modules_in
from grader.services.catalog import service_kinds

_SCRIPTS = ("setup.sh", "run_autograder")
_ENDINGS = {".py", ".html", ".sh", ""}
_PACKAGES = ("bubblewrap", "libseccomp2", "util-linux")
_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can hold: the same course gives the same archive."""
_Entry = tuple[str, bytes, int]


def write_archive(course: Course, exercises: Sequence[Exercise], target: Path) -> int:
    """Write the autograder of these exercises to a zip file; how many files are in it.

    It holds their hidden suites, so it is for the instructor alone.

    Raises:
        GraderError: a suite is missing, or the file cannot be written.
    """
    for exercise in exercises:
        require_suite(course, exercise)
    if target.suffix != ".zip":
        raise GraderError(f"{target} is not named as a zip file", "Gradescope takes OUT.zip.")
    count = 0
    with writing_whole(target) as file, zipfile.ZipFile(file, "w") as archive:
        for name, data, mode in _entries(course, exercises):
            info = zipfile.ZipInfo(name, _MOMENT)
            info.external_attr = (0o100000 | mode) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
            count += 1
    return count


def _entries(course: Course, exercises: Sequence[Exercise]) -> Iterator[_Entry]:
    """Name, content and mode of each file."""
    package = files("grader.gradescope")
    for name in _SCRIPTS:
        yield name, (package / name).read_bytes(), 0o755
    kinds = service_kinds(sorted({name for each in exercises for name in each.services}))
    programs = [*_PACKAGES, *(package for kind in kinds for package in kind.packages)]
    yield "packages.txt", ("\n".join(programs) + "\n").encode(), 0o644
    yield "course/README.md", b"The grader and the hidden suites; not for students.\n", 0o644
    for path in _course_files(course, exercises):
        name = path.relative_to(course.root).as_posix()
        yield f"course/{name}", path.read_bytes(), 0o644


def _course_files(course: Course, exercises: Sequence[Exercise]) -> Iterator[Path]:
    for name in ("course.toml", "pyproject.toml", "requirements.lock", "LICENSE"):
        if (course.root / name).is_file():
            yield course.root / name
    for path in sorted((course.root / "grader").rglob("*")):
        if path.is_file() and path.suffix in _ENDINGS:
            yield path
    root = course.root.resolve()
    for path in modules_in(root, course.own_services):
        yield course.root / path.relative_to(root)
    yield course.hidden_suite(exercises[0]).parent / "conftest.py"
    for exercise in exercises:
        yield from sorted(course.hidden_suite(exercise).rglob("*.py"))
