"""Records `grader watch` at work: type, save, see. Part of `make pictures`.

Somebody has nearly finished exercise 01, with two mistakes left. Needs tmux and vim. Writes a
recording (docs/watch.cast), its screens as a page (docs/watch.md), and a picture of one of them.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

sys.path.insert(0, str(Path(__file__).parent))
from terminal import COMMAND, EDITOR, Terminal

ROOT = Path(__file__).resolve().parents[1]
RECORDING = ROOT / "docs" / "watch.cast"
PAGE = ROOT / "docs" / "watch.md"
PICTURE = ROOT / "docs" / "pictures" / "watch.svg"
SIZE, ABOVE = (88, 32), 17
EXERCISE = "exercises/01/polling.py"

_ASIDE = """\
aside = Path(f"{os.fspath(offset_path)}.new")
        aside.write_text(str(offset))
        aside.replace(offset_path)"""
MISTAKES = (
    ('data[: data.rfind(b"\\n") + 1]', "data"),
    (_ASIDE, "Path(offset_path).write_text(str(offset))"),
)
"""Parts of the solution, and what the recording begins with in their place."""

_COLOURS = "set nocp ai et nu nowrap noswapfile shm+=I so=3 ls=0 nosmd noru | syntax on"


def main() -> None:
    """Record it."""
    with tempfile.TemporaryDirectory(prefix="watch-") as scratch:
        folder = Path(scratch)
        prepare(folder)
        editor = f"vim -u NONE -n -c '{_COLOURS}' -c '/^def _read' -c 'normal zt' {EXERCISE}"
        command = f"{sys.executable} -m grader watch 01"
        with Terminal(folder, editor, command, size=SIZE, above=ABOVE) as terminal:
            screens = record(terminal)
            RECORDING.write_text(terminal.asciicast("grader watch"), encoding="utf-8")
    PAGE.write_text(page(screens), encoding="utf-8")


def prepare(folder: Path) -> None:
    """Copy the course, with exercise 01 nearly done."""
    left_out = shutil.ignore_patterns(".*", "out", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, folder, ignore=left_out, dirs_exist_ok=True)
    text = (ROOT / "solutions" / "01" / "polling.py").read_text(encoding="utf-8")
    for right, wrong in MISTAKES:
        if right not in text:
            raise SystemExit(f"the solution no longer holds {right!r}")
        text = text.replace(right, wrong)
    text = text.replace("Write aside, then replace: whoever", "Whoever")
    text = re.sub(r"  # noqa.*", "", text)  # the project's business
    (folder / EXERCISE).write_text(text, encoding="utf-8")


def record(terminal: Terminal) -> list[tuple[str, str]]:
    """Type and look; what was done, and what the screen showed then."""
    screens = []
    terminal.wait(EDITOR, "_read_complete_lines")
    shown = terminal.wait(COMMAND, "First failure")
    screens.append(("`grader watch 01` checks once, and shows the first thing that fails.", shown))
    terminal.type(COMMAND, "h")
    shown = terminal.wait(COMMAND, "h for step", pause=3)
    screens.append(("The key **h** asks for a hint.", shown))
    draw(terminal)
    terminal.type(EDITOR, "/offset, data$\n")
    terminal.type(EDITOR, f"A{MISTAKES[0][0].removeprefix('data')}\x1b:w\n")
    shown = terminal.wait(COMMAND, "First failure(?s:.)*torn|torn(?s:.)*First failure", pause=3)
    screens.append(("A line is changed in the editor, and saved. The next check is on.", shown))
    terminal.type(EDITOR, "/Path(offset_path).write\n")
    lines = [line.strip() for line in MISTAKES[1][0].splitlines()]
    terminal.type(EDITOR, "S" + "\n".join(lines) + "\x1b:w\n")
    shown = terminal.wait(COMMAND, "checks pass\\.(?s:.)*n goes on", pause=3)
    screens.append(("The offset is written aside, then put in place. Saved: all is done.", shown))
    terminal.type(COMMAND, "n")
    shown = terminal.wait(COMMAND, "First failure", pause=3)
    screens.append(("**n** goes on to the next exercise, which nobody has begun.", shown))
    terminal.type(COMMAND, "q")
    return screens


def draw(terminal: Terminal) -> None:
    """Both panes as a picture that needs no font and no other server."""
    panes = [terminal.show(pane, colours=True).rstrip("\n") for pane in (EDITOR, COMMAND)]
    width = terminal.width
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(panes[0]), no_wrap=True, crop=True)
    console.print("─" * width, style="dim")
    console.print(Text.from_ansi(panes[1]), no_wrap=True, crop=True)
    template = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    svg = console.export_svg(title="grader watch", code_format=template, unique_id="watch")
    PICTURE.write_text(svg, encoding="utf-8")


def page(screens: list[tuple[str, str]]) -> str:
    """Return the screens of the command, each with what led to it."""
    text = (
        "# A recording of grader watch\n\n"
        "Exercise 01 is nearly done, with two mistakes left. The editor is vim; any will do.\n"
        "[watch.cast](watch.cast) is the same to look at in a terminal: `asciinema play`.\n"
    )
    for what, shown in screens:
        text += f"\n{what}\n\n```text\n{shown.strip()}\n```\n"
    return text


if __name__ == "__main__":
    main()
