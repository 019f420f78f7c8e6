"""Reading lines, and keeping an offset."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]
PathLike = str | os.PathLike[str]


def complete_lines(path: PathLike, offset: int) -> tuple[int, bytes]:
    """Where reading began, and what was read up to the last newline."""
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed by the `with` below
    except FileNotFoundError:
        return 0, b""
    with file:
        if os.fstat(file.fileno()).st_size < offset:
            offset = 0
        file.seek(offset)
        data = file.read()
    return offset, data[: data.rfind(b"\n") + 1]


def events_in(data: bytes, start: int) -> Iterator[tuple[Event, int]]:
    """Each event in `data`, with the offset just behind its line."""
    end = start
    for line in data.split(b"\n")[:-1]:
        end += len(line) + 1
        try:
            event = json.loads(line)
        except ValueError:  # broken JSON, and bytes that are not UTF-8
            continue
        if isinstance(event, dict):
            yield event, end


def load_offset(offset_path: PathLike | None) -> int:
    """The offset that was stored, or 0."""
    try:
        return int(Path(offset_path).read_text()) if offset_path else 0
    except (FileNotFoundError, ValueError):
        return 0


def store_offset(offset_path: PathLike | None, offset: int) -> None:
    """Write aside, then replace: whoever reads the file finds the old offset or the new one."""
    if offset_path:
        aside = Path(f"{os.fspath(offset_path)}.new")
        aside.write_text(str(offset))
        aside.replace(offset_path)
