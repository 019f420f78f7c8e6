"""Where a process stood in the student's code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a process stood in the student's code, as it says."""

    file: str
    line: int
    function: str
    source: str
    """That line, without its indentation."""

    def __str__(self) -> str:
        text = f"line {self.line} of {self.file}"
        return f"{text}, `{self.source}`" if self.source else text
