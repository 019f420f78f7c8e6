"""Optional files of an exercise go with the work that they came with, and are none by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from download import taken

from grader.course import Course

HELPERS = {
    "flat": {
        "jane_1_20_polling.py": ("01", "polling.py"),
        "jane_1_21_helpers.py": ("01", "helpers.py"),
    },
    "two-exercises-by-folder": {
        "jane/exercises/01/polling.py": ("01", "polling.py"),
        "jane/exercises/01/helpers.py": ("01", "helpers.py"),
        "jane/exercises/02/tail_pipe.py": ("02", "tail_pipe.py"),
    },
}


@pytest.mark.parametrize("layout", HELPERS)
def test_an_optional_file_goes_with_its_exercise(
    course_of_two: Course, tmp_path: Path, layout: str
) -> None:
    """Its folder tells whose it is, else the files that came with it; nobody gets a row by it."""
    files = HELPERS[layout]
    found = taken(course_of_two, tmp_path, {path: path.encode() for path in files})
    wanted: dict[tuple[str, str], dict[str, bytes]] = {}
    for path, (number, name) in files.items():
        wanted.setdefault(("jane", number), {})[name] = path.encode()
    assert found.files == wanted
    assert found.unmatched == []


def test_an_optional_file_alone_is_no_submission(course_of_two: Course, tmp_path: Path) -> None:
    """It is nobody's row, and a line says that it came without a file of its exercise."""
    found = taken(course_of_two, tmp_path, {"jane_1_20_helpers.py": b""})
    assert found.files == {}
    (line,) = found.unmatched
    assert "came without a file of its exercise" in line
