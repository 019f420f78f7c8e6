"""Takes the picture of a class's page. Part of `make pictures`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from chromium import screenshot
from demo import CLASS, ROOT, hand_in

from grader.course import load_course

PICTURE = ROOT / "docs" / "pictures" / "class.png"
LARGER = {
    **CLASS,
    "chen": ("chaff", 5),
    "dora": ("wheat", 1),
    "fatou": ("chaff", 12),
    "jun": ("chaff", 3),
}
"""The demo's class, and some more: a page of six rows has little to show."""
WIDTH, HEIGHT = 1100, 1140
UNDECIDED = 2
"""What `grader grade` exits with where a report is provisional."""
COLOURS = 64
"""So many are enough for text and bars, and make the file a quarter as large."""


def main() -> None:
    """Grade the class and take the picture of its page."""
    course = load_course(ROOT)
    with tempfile.TemporaryDirectory(prefix="class-") as scratch:
        folder = Path(scratch)
        for student, (kind, number) in LARGER.items():
            for exercise in course.exercises:
                target = folder / "submissions" / student / exercise.id
                hand_in(course, exercise.id, kind, number, target)
        code = grader(folder, "grade", "submissions", "--out", "results", "--no-gradebook")
        if code == UNDECIDED:
            raise SystemExit(
                "no picture was taken: a check could not be decided, which the page would show; "
                "run it again, and use the machine for nothing else meanwhile."
            )
        grader(folder, "report", "results")
        shot = folder / "class.png"
        page = folder / "results" / "class.html"
        screenshot(page, shot, width=WIDTH, height=HEIGHT, scale=1.25)
        with Image.open(shot) as image:
            image.convert("RGB").quantize(COLOURS).save(PICTURE, optimize=True)


def grader(folder: Path, *arguments: str) -> int:
    """Run a command of the grader on the folder's files, without its output; the exit code."""
    here = {name: str(folder / name) for name in ("submissions", "results")}
    words = [here.get(word, word) for word in arguments]
    command = [sys.executable, "-m", "grader", *words]
    return subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    main()
