"""Puts the grader's packages and their imports into docs/architecture.md, as a Mermaid diagram.

An arrow that follows from others is left out: who imports `reports`, which imports `report`, is
shown with an arrow to `reports` alone. `make pictures` then draws the diagram.
"""

from __future__ import annotations

import sys
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- drawn from the imports -->\n", "<!-- end -->"
ROOMS = {
    "Commands": ("cli", "commands"),
    "What people do": ("authoring", "compare", "doctor", "gradescope", "learn", "notebooks"),
    "A class": ("grading", "reports", "gradebook", "intake"),
    "One submission": ("suite", "sandbox"),
    "Nouns": ("scoring", "report", "class_folder", "submission", "course"),
    "The ground": ("services", "host", "worker"),
}
"""The packages by what they are about; modules that serve all of them are left out."""


def imports() -> dict[str, set[str]]:
    """Return, for each package or module of the grader's that is shown, what it imports of them."""
    graph = grimp.build_graph("grader", cache_dir=None)
    shown = {name for group in ROOMS.values() for name in group}
    found: dict[str, set[str]] = {name: set() for name in shown}
    for module in graph.modules:
        for target in graph.find_modules_directly_imported_by(module):
            importer, imported = (name.split(".")[1:2] for name in (module, target))
            if importer != imported and shown.issuperset([*importer, *imported]) and importer:
                found[importer[0]].update(imported)
    return found


def reduced(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the graph without arrows that a longer way replaces."""

    def reached(name: str) -> set[str]:
        below = set(graph[name])
        for each in graph[name]:
            below |= reached(each)
        return below

    return {
        name: {each for each in below if not any(each in reached(o) for o in below - {each})}
        for name, below in graph.items()
    }


def diagram() -> str:
    """Return the fenced block."""
    lines = ["```mermaid", "flowchart TD"]
    lines += [
        "    accTitle: The grader's packages in layers; an arrow is an import and points down"
    ]
    for number, (title, names) in enumerate(ROOMS.items()):
        lines += [f'    subgraph room{number}["{title}"]']
        lines += [f"        {name}" for name in names]
        lines += ["    end"]
    for name, below in sorted(reduced(imports()).items()):
        lines += [f"    {name} --> {each}" for each in sorted(below)]
    return "\n".join([*lines, "```", ""])


def main() -> int:
    """Write the page; exit code 1 when it lacks the place for the diagram."""
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        print(f"{PAGE} has no {BEGIN.strip()} ... {END}", file=sys.stderr)
        return 1
    PAGE.write_text(before + begin + diagram() + end + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
