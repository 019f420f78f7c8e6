"""What would not be taken is said before it is handed in, in the grader's words."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from command_line import grader
from test_public_tests import pytest_in
from tiny_course import RIGHT, STUB, write_tiny_course

from grader.course import load_course
from grader.learn.handing_in import look
from grader.learn.reset import STUBS

OPTIONAL = 'files = ["doubling.py"]\noptional = ["helpers.py"]\n'
AT_IMPORT = "code outside of any function runs at each import"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course that takes helpers.py too, with its solution for a learner's work."""
    root = write_tiny_course(tmp_path / "course")
    manifest = (root / "course.toml").read_text()
    # On a busy machine any import may stand still for two seconds.
    manifest = manifest.replace("seconds = 2\n", "seconds = 30\n")
    (root / "course.toml").write_text(manifest.replace('files = ["doubling.py"]\n', OPTIONAL))
    (root / STUBS / "01").mkdir(parents=True)
    (root / STUBS / "01" / "doubling.txt").write_text(STUB)
    write(root, RIGHT)
    return root


def write(root: Path, code: str | bytes, name: str = "doubling.py") -> None:
    """Save a file of exercise 01."""
    data = code if isinstance(code, bytes) else code.encode()
    (root / "exercises/01" / name).write_bytes(data)


def in_a_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a command printed, without the breaks of a narrow terminal."""
    return " ".join((done.stdout + done.stderr).split())


def graded(root: Path) -> str:
    """What the grader tells a student who hands in these files."""
    folder = root / "subs/ann/01"
    folder.mkdir(parents=True)
    for path in (root / "exercises/01").glob("*.py"):
        if not path.name.startswith("test_"):
            (folder / path.name).write_bytes(path.read_bytes())
    document = root / "all.json"
    grader(root, "grade", "subs", "--json", str(document), "--no-gradebook")
    (report,) = json.loads(document.read_text())["reports"]
    return " ".join(check["message"] for check in report["checks"])


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "encoding": (b"# \xe9t\xe9\n" + RIGHT.encode(), "doubling.py is not UTF-8 text (line 1)"),
    "unknown-encoding": (
        b"# coding: latn1\n" + RIGHT.encode(),
        "doubling.py declares an encoding that Python does not know, latn1 (line 1)",
    ),
    "own-module": (
        "from util import times\n" + RIGHT,
        "no module util was handed in, and none is installed",
    ),
    "course-module": (
        "from resources import events\n" + RIGHT,
        "No module named 'resources' (line 1 of doubling.py)",
    ),
    "exit": (
        RIGHT + "\nimport sys\nsys.exit(0)\n",
        f"SystemExit: 0 (line 20 of doubling.py); {AT_IMPORT}",
    ),
    "input": (RIGHT + "\ninput()\n", "nobody answers input() here, and code outside of"),
    "dies": (RIGHT + "\nos._exit(0)\n", "importing doubling.py ended its own process (os._exit"),
    "endless": (
        RIGHT + "\nwhile True:\n    pass\n",
        "importing doubling.py did not end within 2 s",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_said_before_in_the_graders_words(course: Path, name: str) -> None:
    """By the public tests, and by status after them; and pytest comes to an end."""
    code, sentence = REFUSED[name]
    if name == "endless":
        manifest = (course / "course.toml").read_text()
        (course / "course.toml").write_text(manifest.replace("seconds = 30\n", "seconds = 2\n"))
    write(course, code)
    write(course, "def times(a, b):\n    return a * b\n", "util.py")
    (course / "resources").mkdir(exist_ok=True)
    (course / "resources/events.py").write_text("")
    for said in (
        in_a_line(pytest_in(course, "exercises/01")),
        in_a_line(grader(course, "status")),
    ):
        assert sentence in said
        assert "Next: mend" in said
        assert "INTERNALERROR" not in said
    assert sentence in graded(course)


def test_check_says_it_and_is_not_content(course: Path, tmp_path: Path) -> None:
    """In a students' copy the public tests may all pass; the exit code is 1 all the same."""
    copy = tmp_path / "copy"
    write(course, STUB)
    grader(course, "release", str(copy))
    write(copy, "from util import times\n" + RIGHT)
    write(copy, "def times(a, b):\n    return a * b\n", "util.py")
    done = grader(copy, "check", "01")
    assert done.returncode == 1
    assert "1 of 1 checks pass" in done.stdout
    assert "Before you hand it in: - doubling.py could not be imported" in in_a_line(done)
    write(copy, RIGHT)
    done = grader(copy, "check", "01")
    assert (done.returncode, "Before you hand it in" in done.stdout) == (0, False)


def test_an_optional_file_is_handed_in_with_the_others(course: Path) -> None:
    """The learner's tests import it, nothing is said against it, and the grader takes it."""
    write(course, "from helpers import times\n" + RIGHT.replace("2 * number", "times(2, number)"))
    write(course, "def times(a, b):\n    return a * b\n", "helpers.py")
    said = pytest_in(course, "exercises/01").stdout
    assert "1 passed" in said
    assert "Before you hand it in" not in said
    assert graded(course).strip() == ""


def test_an_optional_file_that_cannot_be_read_is_told(course: Path) -> None:
    """Not only that no module of that name is there."""
    write(course, "from helpers import times\n" + RIGHT)
    write(course, b"# \xe9\n", "helpers.py")
    sentence = "helpers.py is not UTF-8 text (line 1)"
    assert sentence in in_a_line(pytest_in(course, "exercises/01"))
    assert sentence in graded(course)


def test_an_optional_file_of_another_exercise_is_to_be_copied(course: Path) -> None:
    """The import fails, and what mends it is said: where the file lies, and where it is taken."""
    manifest = (course / "course.toml").read_text()
    second = manifest[manifest.index("[[exercises]]") :].replace("01", "02")
    (course / "course.toml").write_text(manifest + "\n" + second)
    (course / "exercises/02").mkdir()
    write(course, "def times(a, b):\n    return a * b\n", "../02/helpers.py")
    wanted = (
        "doubling.py imports helpers.py, which is taken from exercises/01 and is not there: "
        "copy yours, cp exercises/02/helpers.py exercises/01/"
    )
    write(course, "from helpers import times\n" + RIGHT)
    assert wanted in look(load_course(course), load_course(course).exercise("01")).noted
    write(course, "import json\n" + RIGHT)
    assert not look(load_course(course), load_course(course).exercise("01")).noted


@pytest.mark.parametrize("name", ["Doubling.py", "doubling (1).py", "doubling.py.txt"])
def test_a_name_that_was_meant_is_told(course: Path, name: str) -> None:
    """Also where the stub still lies beside it."""
    write(course, RIGHT, name)
    wanted = f"exercises/01/{name} is not handed in: the name is exercises/01/doubling.py"
    assert wanted in in_a_line(grader(course, "status"))
    (course / "exercises/01/doubling.py").unlink()
    said = in_a_line(grader(course, "status"))
    assert wanted in said
    assert "doubling.py is missing from the submission" in said


def test_a_file_in_the_wrong_place_is_told(course: Path) -> None:
    """In the course's folder, where an editor may have saved it."""
    pytest_in(course, "exercises/01")
    (course / "doubling.py").write_text(RIGHT)
    wanted = "doubling.py is not handed in: the name is exercises/01/doubling.py"
    said = in_a_line(grader(course, "status"))
    assert f"01: {wanted}" in said
    assert "Next: mend" not in said, "the file that counts is there"


NOTED = {
    "slow": ("import time\ntime.sleep(1.1)\n", AT_IMPORT),
    "moves": ("os.chdir('/')\n", "importing doubling.py changed the working folder to /"),
    "floods": ("print('x' * 400_000)\n", "importing doubling.py printed 390 KB: " + AT_IMPORT),
}


@pytest.mark.parametrize("name", NOTED)
def test_what_an_import_costs_is_said(course: Path, name: str) -> None:
    """It is taken, so nothing says that it is not."""
    code, sentence = NOTED[name]
    write(course, f"{RIGHT}\n{code}")
    said = in_a_line(pytest_in(course, "exercises/01"))
    assert sentence in said
    assert "Next: mend" not in said
    assert sentence in in_a_line(grader(course, "status"))


def test_a_path_that_leads_elsewhere_is_told(course: Path, tmp_path: Path) -> None:
    """The learner's machine has the module, the grader's has not."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/util.py").write_text("")
    write(
        course, f"import sys\nsys.path.insert(0, {str(tmp_path / 'mine')!r})\nimport util\n{RIGHT}"
    )
    said = in_a_line(pytest_in(course, "exercises/01"))
    assert "doubling.py imports util, from" in said
    assert "which is not there when it is graded" in said


@pytest.mark.parametrize("name", ["json.py", "redis.py"])
def test_a_file_that_hides_a_module_is_told(course: Path, name: str) -> None:
    """The learner's code imports it, and the grader's does not."""
    write(course, "", name)
    wanted = f"{name} hides the module {name[:-3]} from your tests, and is not handed in"
    assert wanted in in_a_line(grader(course, "status"))


@pytest.mark.parametrize(
    "code",
    [
        RIGHT + '\nif __name__ == "__main__":\n    while True:\n        pass\n',
        '"""Mine."""\nfrom __future__ import annotations\n' + RIGHT,
        b"# coding: latin-1\r\n" + RIGHT.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + RIGHT.encode(),
        RIGHT.replace("    ", "\t").replace("\n", "\r").encode(),
        "import boto3, pika, redis\n" + RIGHT,
        "import threading\nthreading.Thread(target=input).start()\n" + RIGHT,
        STUB,
    ],
    ids=["main", "future", "latin-1", "bom", "cr", "clients", "thread", "stub"],
)
def test_what_is_taken_is_not_spoken_of(course: Path, code: str | bytes) -> None:
    """No sentence costs a learner time who did nothing wrong."""
    write(course, code)
    loaded = load_course(course)
    trial = look(loaded, loaded.exercise("01"))
    assert (trial.refused, trial.ending, trial.noted) == ((), (), ())


def test_a_file_is_tried_once(course: Path) -> None:
    """What was found stays known until a file changes, and status runs nothing."""
    write(course, f"{RIGHT}\nopen({str(course / 'trace')!r}, 'a').write('x')\n")
    grader(course, "status")
    assert not (course / "trace").exists()
    loaded = load_course(course)
    for _ in range(3):
        look(loaded, loaded.exercise("01"))
    assert (course / "trace").read_text() == "x"
    write(course, (course / "exercises/01/doubling.py").read_text() + "\n")
    look(loaded, loaded.exercise("01"))
    assert (course / "trace").read_text() == "xx"
