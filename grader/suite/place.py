"""Where a process stood in the student's code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

_FRAME = re.compile(rb'File "([^"]+)", line (\d{1,6}) in (\S+)')
"""A line of what faulthandler writes."""
_SHOWN = 80
"""Characters of a function's name, and of a line."""


@dataclass(frozen=True)
class CodePlace:
    """The place where a process stood in the student's code, as it says."""

    file: str
    line: int
    function: str
    source: str
    """That line, without its indentation."""

    def __str__(self) -> str:
        text = f"line {self.line} of {self.file}"
        return f"{text}, `{self.source}`" if self.source else text


def place_in(trace: Iterable[bytes], files: Mapping[str, bytes]) -> CodePlace | None:
    """Return the innermost place of a trace that lies in one of the student's files, or None."""
    for line in trace:
        if (match := _FRAME.search(line)) is None:
            continue
        path = PurePosixPath(match[1].decode(errors="replace"))
        if path.parent.name == "submission" and path.name in files:
            number = int(match[2])
            lines = files[path.name].decode(errors="replace").splitlines()
            source = lines[number - 1].strip() if 0 < number <= len(lines) else ""
            function = match[3].decode(errors="replace")[:_SHOWN]
            return CodePlace(path.name, number, function, source[:_SHOWN])
    return None
