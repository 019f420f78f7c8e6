"""A run of pytest on a CI's page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from command_line import grader
from tiny_course import write_tiny_course

TESTS = """\
import pytest

def test_two_is_two(): assert 2 == 2
def test_no_markup(): assert False, "expected <b> | [x](y), got `z`\\nsecond line"
def test_needs_rabbitmq(): pytest.skip("there is no RabbitMQ")
@pytest.fixture
def broken(): raise OSError("no disk")
def test_cannot_start(broken): pass
"""


def test_what_did_not_pass_is_a_line_each(tmp_path: Path) -> None:
    """Count, sentence, and why a test did not run; nothing of it is markup."""
    root = write_tiny_course(tmp_path)
    (root / "exercises/01/test_doubling.py").write_text(TESTS)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "exercises/01", "--junitxml", "out.xml"],
        cwd=root,
        capture_output=True,
        check=False,
        env=os.environ | {"PYTEST_ADDOPTS": ""},
    )
    done = grader(root, "summary", "out.xml")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "### Public tests: 1 of 4 pass"
    assert r"- ✗ **no markup**: expected \<b\> \| \[x\]\(y\), got \`z\`" in lines
    assert r"- ? **needs rabbitmq** was not run: there is no RabbitMQ" in lines
    assert any(line.startswith("- ✗ **cannot start**: failed on setup") for line in lines)


def test_no_results_are_one_line(tmp_path: Path) -> None:
    """Exit code 2 and what to run."""
    root = write_tiny_course(tmp_path)
    (root / "bad.xml").write_text("<testsuites")
    for name, said in (("none.xml", "cannot be read"), ("bad.xml", "is no JUnit XML")):
        done = grader(root, "summary", name)
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
