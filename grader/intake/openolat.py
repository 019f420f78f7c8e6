"""Tells a student's own folders in an OpenOLAT archive of a task from those of who marks it.

Source: archiveNodeData in OpenOLAT's GTACourseNode.java.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

_STEP = re.compile(
    r"\d+_(?P<step>task|submissions|corrections|revisions|assessment)(?:_(?P<number>\d+))?"
)
_SAMPLE = "solutions"
"""The sample solution, beside the students' folders."""
_OUTERMOST = (1, 2)
"""Depths of the steps: in students' folders, which may lie in the task's."""


def only_students(paths: Sequence[PurePosixPath]) -> tuple[list[PurePosixPath], int]:
    """Keep what students handed in, the newest revision as an attempt; the rest is the empty path.

    `Task/Doe_Jane_jdoe/2_submissions/polling.py`, `3_corrections/`, `4_revisions_1/`.

    Returns:
        Where the files lie then, and the depth of the students' folders, from 1 on; 0: all is as it
        was, since it is no such archive.
    """
    for depth in _OUTERMOST:
        inside = [path for path in paths if len(path.parts) > depth + 1]
        steps = {found["step"] for path in inside if (found := _STEP.fullmatch(path.parts[depth]))}
        others = any(
            path.parts[depth - 1] != _SAMPLE
            and (path.suffix == ".py" if len(path.parts) == depth + 1 else path in inside)
            and not _STEP.fullmatch(path.parts[depth])
            for path in paths
            if len(path.parts) > depth
        )
        if "submissions" in steps and not others:
            return [_of_student(path, depth) for path in paths], depth
    return [*paths], 0


def _of_student(path: PurePosixPath, depth: int) -> PurePosixPath:
    if len(path.parts) > depth and path.parts[depth - 1] == _SAMPLE:
        return PurePosixPath()
    found = _STEP.fullmatch(path.parts[depth]) if len(path.parts) > depth + 1 else None
    if found is None:
        return path
    above, below = path.parts[:depth], path.parts[depth + 1 :]
    match found["step"]:
        case "submissions":
            return PurePosixPath(*above, *below)
        case "revisions":
            return PurePosixPath(*above, f"Version {found['number'] or 1}", *below)
    return PurePosixPath()
