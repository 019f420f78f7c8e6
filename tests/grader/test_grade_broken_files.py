"""`grader grade` of files that cannot be used: a sentence each, and no row of another's is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command_line import grade, messages
from tiny_course import RIGHT, add_submission

AT_IMPORT = (
    "code outside of any function runs at each import; "
    'put what tries your functions out under `if __name__ == "__main__":`'
)
BAD_FILES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "doubling.py has no function double()"),
    "syntax-error": ("def double(:\n", "could not be imported: SyntaxError"),
    "raises-at-import": ("1 / 0\n", "ZeroDivisionError: division by zero (line 1 of doubling.py)"),
    "exits-at-import": (
        "import sys\nsys.exit(0)\n",
        f"could not be imported: SystemExit: 0 (line 2 of doubling.py); {AT_IMPORT}",
    ),
    "loops-at-import": (
        "while True: pass\n",
        "importing doubling.py did not end within 2 s",  # and where it was, if that could be asked
    ),
    "dies-at-import": (
        "import os\nos._exit(0)\n",
        "importing doubling.py ended its own process (os._exit, a signal, or out of memory); "
        + AT_IMPORT,
    ),
    "asks-at-import": (
        "name = input()\n",
        "EOFError: EOF when reading a line (line 1 of doubling.py); nobody answers input() here",
    ),
    "tries-itself-out": (
        "def double(n):\n    return 1 / n\n\ndouble(0)\n",
        f"ZeroDivisionError: division by zero (line 2 of doubling.py); {AT_IMPORT}",
    ),
    "needs-another-file": (
        "import util\n",
        "No module named 'util' (line 1 of doubling.py); no module util was handed in, and none is",
    ),
    "imports-relatively": (
        "from .util import x\n",
        "write it without the dot, as in `from polling import poll`",
    ),
    "leads-elsewhere": (
        "import sys\nsys.path.insert(0, '/nowhere')\n1 / 0\n",
        "ZeroDivisionError: division by zero (line 3 of doubling.py)",
    ),
    "not-callable": ("double = 3\n", "double in doubling.py is not a function but an int"),
    "other-parameters": (
        "def double(): pass\n",
        "double() does not take the parameters that it is called with: too many positional",
    ),
    "not-utf8": ("# é\n".encode("latin-1"), "doubling.py is not UTF-8 text (line 1)"),
    "zero-bytes": (b"\0" * 10, "doubling.py is not a text file"),
    "huge": ("#" * 300 * 1024, "doubling.py is larger than 256 KB"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_used_gets_a_sentence(course: Path, name: str) -> None:
    """No traceback, no lost row for another student, no point, and the reason in words."""
    code, sentence = BAD_FILES[name]
    add_submission(course, "bad", code)
    add_submission(course, "good", RIGHT)
    exit_code, reports = grade(course)
    assert exit_code == 1
    assert reports["good"]["score"] == 10
    assert reports["bad"]["score"] == 0
    assert sentence in messages(reports["bad"])


def test_time_that_imports_took_is_told_as_that(course: Path) -> None:
    """A trial call at the bottom of the file costs each process of the hidden suite its time."""
    limits = "seconds = 2\n"
    manifest = (course / "course.toml").read_text()
    assert limits in manifest
    (course / "course.toml").write_text(manifest.replace(limits, f"{limits}total_seconds = 2\n"))
    add_submission(course, "ann", f"{RIGHT}\nimport time\ntime.sleep(0.8)\n")
    _, reports = grade(course)
    said = messages(reports["ann"])
    assert "all checks together took longer than 2 s; importing doubling.py took 0." in said
    assert AT_IMPORT in said
    assert reports["ann"]["checks"][0]["outcome"] == "passed"


def test_a_missing_file_and_a_folder_in_its_place_are_rows_of_zero(course: Path) -> None:
    """A student with nothing usable still has a row that says why."""
    add_submission(course, "good", RIGHT)
    (course / "subs" / "nothing").mkdir()
    (course / "subs" / "folder" / "01" / "doubling.py").mkdir(parents=True)
    (course / "subs" / "linked" / "01").mkdir(parents=True)
    (course / "subs" / "linked" / "01" / "doubling.py").symlink_to("/etc/passwd")
    os.mkfifo(course / "subs" / "nothing" / "doubling.py")
    _, reports = grade(course)
    assert reports["good"]["score"] == 10
    assert "is a folder, not a file" in messages(reports["folder"])
    assert "is a link, which is not followed" in messages(reports["linked"])
    assert "is not a regular file" in messages(reports["nothing"])


def test_a_students_other_files_are_not_staged(course: Path) -> None:
    """A conftest.py and a module that shadows json have no effect."""
    add_submission(course, "sly", RIGHT.replace("2 * number", "__import__('json').double(number)"))
    folder = course / "subs" / "sly" / "01"
    (folder / "json.py").write_text("def double(number): return 2 * number\n")
    (folder / "conftest.py").write_text("raise SystemExit\n")
    _, reports = grade(course)
    assert "AttributeError: module 'json' has no attribute 'double'" in messages(reports["sly"])
