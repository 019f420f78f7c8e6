"""A download as an LMS makes it, and what intake makes of it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from grader.course import Course
from grader.intake.collect import Collected, collect


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip of those files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def taken(course: Course, tmp_path: Path, files: dict[str, bytes], kind: str = "auto") -> Collected:
    """What intake makes of a download with those files."""
    source = tmp_path / "download.zip"
    source.write_bytes(zipped(files))
    return collect(source, course, kind)
