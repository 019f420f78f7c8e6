"""Run the project's tests with each Python that this machine has.

For each minor version there is a clone of the last commit in out/pythons/VERSION, with a .venv of
its own from the lock file, and `make test` in it: public tests on solutions and stubs, known
submissions graded, the grader's own tests, every warning an error. A version that the machine
lacks is named. Interpreters are looked for on PATH, and where pyenv and uv put them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
_ELSEWHERE = (".pyenv/versions", ".local/share/uv/python")
_CLOSING = re.compile(r"(?:\d+ \w+(?:, )?)+ in [\d.]+s.*")


def candidates() -> Iterator[str]:
    """Yield paths at which an interpreter may lie."""
    for version in SUPPORTED:
        yield from filter(None, [shutil.which(f"python{version}")])
        for folder in _ELSEWHERE:
            yield from map(str, sorted(Path.home().glob(f"{folder}/*/bin/python{version}")))


def interpreters() -> dict[str, str]:
    """Return an interpreter for each supported minor version that there is."""
    found: dict[str, str] = {}
    ask = "import sys; print('%d.%d' % sys.version_info[:2], sys._base_executable)"
    for candidate in candidates():
        asked = subprocess.run(
            [candidate, "-c", ask], capture_output=True, encoding="utf-8", check=False
        )
        if asked.returncode == 0:  # pyenv has a python3.13 on PATH that only says how to get one
            version, path = asked.stdout.strip().split(" ", 1)
            found.setdefault(version, os.path.realpath(path))
    return found


def environment_inside() -> dict[str, str]:
    """Return the environment without what make left there: ARGS are versions here, tests there."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MAKE") and name != "ARGS"
    }


def tested(version: str, python: str) -> tuple[bool, str]:
    """Run `make test` in a clone of its own.

    Args:
        version: of Python, such as 3.12.
        python: the interpreter's path.

    Returns:
        Whether all went well, and pytest's closing line, or the last one.
    """
    clone = ROOT / "out" / "pythons" / version
    shutil.rmtree(clone, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)  # noqa: S607
    log = clone.with_name(f"{version}.log")
    with log.open("wb") as output:
        done = subprocess.run(
            ["make", "test"],  # noqa: S607
            cwd=clone,
            env=environment_inside() | {"PYTHON": python},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    lines = [
        line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line
    ]
    closing = next((line for line in reversed(lines) if _CLOSING.search(line)), lines[-1])
    return done.returncode == 0, closing.strip("= ")


def main(words: list[str]) -> int:
    """Test with each interpreter, or with those of the versions given; return the exit code."""
    wanted = words or list(SUPPORTED)
    if unknown := [word for word in wanted if word not in SUPPORTED]:
        print(f"no supported Python: {', '.join(unknown)}. Supported: {', '.join(SUPPORTED)}.")
        return 2
    there = interpreters()
    failed = False
    for version in wanted:
        if version not in there:
            print(f"- Python {version}: not run, this machine has none", flush=True)
            continue
        passed, closing = tested(version, there[version])
        failed = failed or not passed
        mark = "✓" if passed else "✗"
        print(f"{mark} Python {version} ({there[version]}): {closing}", flush=True)
        if not passed:
            print(f"  all of it: out/pythons/{version}.log", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
