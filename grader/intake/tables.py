"""Tables of people as an LMS or a spreadsheet exports them: CSV in one of its many forms."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import GraderError
from grader.spelling import normal

_WORKBOOKS = {b"PK\x03\x04": "Excel or LibreOffice", b"\xd0\xcf\x11\xe0": "Excel"}
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONGEST = 16 << 20
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Table:
    """A CSV file as it is written: cells with their white space, and how to write it again."""

    rows: list[list[str]]
    delimiter: str
    encoding: str
    before: str = ""
    """Excel's own first line, which names the delimiter."""

    def written(self, rows: Sequence[Sequence[str]]) -> bytes:
        """Return other rows in the same form."""
        text = io.StringIO()
        csv.writer(text, delimiter=self.delimiter, lineterminator="\r\n").writerows(rows)
        return (self.before + text.getvalue()).encode(self.encoding, errors="replace")


def read_table(path: Path) -> list[list[str]]:
    """Return the rows of a CSV file that hold anything, each cell without white space around it.

    Commas, semicolons or tabs; UTF-8 with or without BOM, UTF-16 with one, else Windows-1252.

    Raises:
        GraderError: it cannot be read, or is no such table.
    """
    found = [[normal(cell).strip() for cell in row] for row in read_as_written(path).rows]
    return [row for row in found if any(row)]


def read_as_written(path: Path) -> Table:
    """Return the rows of a CSV file with all that is needed to write it again.

    Raises:
        GraderError: it cannot be read, or is no table of those that `read_table` takes.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
    except OSError as error:
        raise GraderError(f"{path} cannot be read: {error.strerror}", "Name a CSV file.") from None
    for magic, program in _WORKBOOKS.items():
        if data.startswith(magic):
            raise GraderError(
                f"{path} is a workbook of {program}", 'Save it as "CSV UTF-8", and name that.'
            )
    if len(data) > _LONGEST:
        raise GraderError(f"{path} is larger than {_LONGEST >> 20} MB", "Name a CSV file.")
    text, encoding = _decoded(data)
    if "\0" in text:
        raise GraderError(f"{path} is no text", 'Save it as "CSV UTF-8", and name that.')
    lines = text.splitlines(keepends=True)
    before = delimiter = ""
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) == len("sep=x"):
        before = lines.pop(0)
        delimiter = before.strip()[-1]
    delimiter = delimiter or _delimiter(lines)
    try:
        rows = list(csv.reader(io.StringIO("".join(lines), newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise GraderError(f"{path} is no CSV file: {error}", "Save it anew as CSV.") from None
    return Table(rows, delimiter, encoding, before)


def _decoded(data: bytes) -> tuple[str, str]:
    if data.startswith(_UTF16):
        return data.decode("utf-16", errors="replace"), "utf-16"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), "cp1252"
    return text, "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"


def _delimiter(lines: list[str]) -> str:
    """Return what parts most in the first line that holds anything."""
    first = next((line for line in lines if line.strip()), "")
    counts = Counter(c for c in first if c in _DELIMITERS)
    return max(_DELIMITERS, key=lambda c: counts[c])
