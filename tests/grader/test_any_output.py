"""Every command prints what it has to say, whatever the terminal, pipe or locale takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from tiny_course import IN_PLACE, RIGHT, write_tiny_course

from grader.cli import main

REPO = Path(__file__).resolve().parents[2]
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
TERMINALS = {
    "C locale": C_LOCALE,
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "latin-1": {"PYTHONIOENCODING": "latin-1:strict"},
}
STUDENT = "Zoë ✓ 李"
JUNIT = '<testsuite><testcase name="test_é"><failure message="AssertionError: ✗ 李"/></testcase></testsuite>'
COMMANDS: dict[str, list[list[str]]] = {
    "check": [["check", "01"]],
    "status": [["status"], ["status"]],
    "doctor": [["doctor"], ["doctor", "--json"]],
    "hint": [["hint", "01"]],
    "replay": [["replay", "01", "after-crash"]],
    "intake": [["intake", "subs", "sorted"]],
    "grade": [
        ["grade", "subs", "--out", "out", "--json", "reports.json", "--no-gradebook"],
        ["grade", "subs", "--out", "out", "--details", "--no-gradebook"],
    ],
    "report": [["report", "out", "--submissions", "subs"]],
    "export": [
        *(["export", "out", "--format", kind] for kind in ("csv", "canvas", "moodle", "json")),
        ["export", "out", "--format", "junit"],
        ["export", "out", "scopes", "--format", "gradescope"],
        ["export", "subs", "plagiarism", "--format", "jplag"],
        ["export", "out", "grades.csv", "--format", "csv", "--bom"],
        ["export", "out", "--format", "json", "--bom"],
    ],
    "extend": [["extend", "out", STUDENT, "01", "--days", "2"]],
    "gradebook": [["gradebook", "out"]],
    "new": [
        ["new", "check", "01.last-event"],
        ["new", "exercise", "09", "Größer ✓", "--file", "bigger.py"],
    ],
    "notebooks": [["notebooks", "nb ✓"]],
    "release": [["release", "students ✓"]],
    "gradescope": [["gradescope", "autograder.zip"]],
    "summary": [["summary", "junit.xml"]],
    "validate": [["validate"]],
    "compare": [["compare", "--own", "--only", "polling"]],
    "services": [["services", "status"]],
    "watch": [["watch"]],
    "reset": [["reset", "01"]],
    "worker": [["worker", "--broker", "amqp://127.0.0.1:1/"]],
}

DRIVER = """\
import json, os, sys
from pathlib import Path
import pytest, rich.progress
import grader.grading.command, grader.reports.export, grader.reports.write, grader.authoring.validate, grader.learn.check
from grader.cli import main

said = {}
for name, several in json.loads(Path(sys.argv[1]).read_bytes()).items():
    for words in several:
        words = [os.fsdecode(word.encode()) for word in words]
        pid = os.fork()
        if pid == 0:
            file = os.open("said", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            os.dup2(file, 1), os.dup2(file, 2)
            code = 70
            try:
                main(words, prog_name="grader")
            except SystemExit as end:
                code = end.code or 0
            except BaseException:
                import traceback
                traceback.print_exc()
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        said.setdefault(name, []).append([code, Path("said").read_bytes().decode("latin-1")])
Path(sys.argv[2]).write_text(json.dumps(said))
"""


class Said(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    text: str


def a_class(root: Path) -> Path:
    """A tiny course with a class; names and files are as in a UTF-8 locale."""
    write_tiny_course(root)
    (root / "exercises" / "01" / "doubling.py").write_text(IN_PLACE)
    (root / "resources" / "stubs" / "01").mkdir(parents=True)
    (root / "resources" / "stubs" / "01" / "doubling.txt").write_text(RIGHT)
    for student, code in ((STUDENT, IN_PLACE), ("ann", RIGHT)):
        folder = root / "subs" / student / "01"
        folder.mkdir(parents=True)
        (folder / "doubling.py").write_text(f"{code}\n\nprint('✓ é 李')\n", encoding="utf-8")
    (root / "junit.xml").write_text(JUNIT, encoding="utf-8")
    return root


KINDS = [
    pytest.param(kind, marks=[pytest.mark.thorough] if kind in ("ascii", "latin-1") else [])
    for kind in TERMINALS
]


@pytest.fixture(scope="module", params=KINDS)
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, dict[str, list[Said]]]:
    """All commands on one class with a terminal of that kind: the kind, the class, what was said."""
    root = a_class(tmp_path_factory.mktemp("course"))
    (root / "commands.json").write_text(json.dumps(COMMANDS))
    env = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    env |= {"COLUMNS": "70", "XDG_STATE_HOME": str(root / "state")} | TERMINALS[request.param]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, "commands.json", "said.json"],
        cwd=root,
        env=env | {"PYTHONPATH": str(REPO)},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, list[list[Any]]] = json.loads((root / "said.json").read_bytes())
    said = {name: [Said(*each) for each in several] for name, several in found.items()}
    return request.param, root, said


def test_every_command_is_tried() -> None:
    """A new command is added to the list above."""
    assert isinstance(main, click.Group)
    assert set(main.list_commands(click.Context(main))) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_ends_with_a_traceback(run, command: str) -> None:
    """Whatever it prints, and its exit code is one that it promises."""
    for each in run[2][command]:
        assert "Traceback" not in each.text, each.text[-3000:]
        assert "Encode" not in each.text, each.text[-3000:]
        assert each.code in (0, 1, 2), each.text[-3000:]


def test_marks_are_plain_where_the_encoding_has_none(run) -> None:
    """One character for one, so that columns stay; no escapes of the course's own marks."""
    _, _, said = run
    assert "+ 01.value" in said["check"][0].text
    assert "x 01.after-crash" in said["check"][0].text
    assert "##" in said["status"][1].text
    assert "\\u2" not in said["check"][0].text + said["status"][1].text + said["doctor"][0].text


def test_data_for_programs_is_utf_8(run) -> None:
    """On standard output too; a name is not replaced there, and JSON stays JSON."""
    kind, root, said = run
    json.loads(said["doctor"][1].text)
    assert "✗ 李" in said["summary"][0].text.encode("latin-1").decode()
    if kind == "C locale":
        return
    name = STUDENT.encode()
    assert name in said["export"][0].text.encode("latin-1")
    assert name in (root / "grades.csv").read_bytes()
    assert name in (root / "reports.json").read_bytes()


def test_a_table_has_a_byte_order_mark_on_demand(run) -> None:
    """For Excel; without --bom it has none, and what is no table gets none."""
    kind, root, said = run
    *_, not_a_table = said["export"]
    assert "--bom is for csv, canvas, moodle: json is no table" in " ".join(
        not_a_table.text.split()
    )
    if kind != "C locale":
        assert (root / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbfassignment,")
        assert said["export"][0].text.startswith("assignment,")


def test_a_name_that_the_locale_lacks_is_a_sentence_before_anything_is_written(run) -> None:
    """No folder of another name, and no half of a class; elsewhere the name is as it was."""
    kind, root, said = run
    if kind == "C locale":
        for command in ("intake", "grade"):
            assert "cannot be the name of a file here" in said[command][0].text
        assert not (root / "sorted").exists()
        assert not list((root / "out").glob("reports/*/*"))
    else:
        assert (root / "sorted" / STUDENT).is_dir()
        assert (root / "out" / "reports" / STUDENT / "01.json").is_file()
