"""`make test-pythons` finds interpreters, and says which versions it has no interpreter for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "test_pythons.py"
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40}")


def test_a_version_that_is_not_supported_is_refused() -> None:
    """Nothing is cloned for it."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "2.7"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == "no supported Python: 2.7. Supported: 3.11, 3.12, 3.13, 3.14.\n"


def test_an_interpreter_is_asked_for_its_version(tmp_path: Path) -> None:
    """What is called python3.12 may be a shim that has none, or another version."""
    own = "{}.{}".format(*sys.version_info)
    for version, line in (("3.12", "exit 127"), ("3.14", f'exec {sys.executable} "$@"')):
        shim = tmp_path / f"python{version}"
        shim.write_text(f"#!/bin/sh\n{line}\n")
        shim.chmod(0o755)
    listed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import json, test_pythons as t; print(json.dumps(t.interpreters()))",
        ],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ
        | {"PATH": f"{tmp_path}", "HOME": str(tmp_path), "PYTHONPATH": SCRIPT.parent},
    )
    assert json.loads(listed.stdout) == {own: os.path.realpath(sys.executable)}


def test_the_versions_are_no_arguments_of_the_tests() -> None:
    """`make test-pythons ARGS=3.13` is `make test` inside, and not `make test ARGS=3.13`."""
    listed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import json, test_pythons as t; print(json.dumps(t.environment_inside()))",
        ],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ
        | {"ARGS": "3.13", "MAKEFLAGS": "--", "KEPT": "yes", "PYTHONPATH": str(SCRIPT.parent)},
    )
    inside = json.loads(listed.stdout)
    assert inside["KEPT"] == "yes"
    assert "ARGS" not in inside
    assert "MAKEFLAGS" not in inside


def test_the_workflow_names_what_there_is() -> None:
    """The Pythons of `make test-pythons`, make's own targets, folders that exist, pinned actions."""
    document = yaml.safe_load(WORKFLOW.read_text())
    assert document["permissions"] == {"contents": "read"}
    linux, students = document["jobs"]["linux"], document["jobs"]["students"]
    listing = [
        sys.executable,
        "-c",
        "import json, test_pythons as t; print(json.dumps(t.SUPPORTED))",
    ]
    supported = subprocess.run(
        listing,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(SCRIPT.parent)},
    )
    assert linux["strategy"]["matrix"]["python"] == json.loads(supported.stdout)
    steps = linux["steps"] + students["steps"]
    assert all(PINNED.fullmatch(step["uses"]) for step in steps if "uses" in step)
    targets = {
        word for step in steps for word in re.findall(r"\bmake ([\w-]+)", step.get("run", ""))
    }
    makefile = (ROOT / "Makefile").read_text()
    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    for row in students["strategy"]["matrix"]["include"]:
        assert all((ROOT / folder / "README.md").is_file() for folder in row["exercises"].split())


def test_a_classifier_is_a_python_that_was_run() -> None:
    """The table of platforms has a row of `make test-pythons` that passed for each of them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = re.compile(r"Programming Language :: Python :: (3\.\d+)")
    found = [each[1] for line in project["classifiers"] if (each := named.fullmatch(line))]
    rows = (ROOT / "docs" / "platforms.md").read_text().splitlines()
    run = [row for row in rows if "`make test-pythons`" in row and "passed" in row]
    assert found
    for version in found:
        assert any(re.search(rf"\| {re.escape(version)}\.\d+ \|", row) for row in run), version
