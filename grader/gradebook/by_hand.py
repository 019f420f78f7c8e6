"""Scores that a person entered, and the submission that each was given for.

nbgrader's tables hold no hash of a submission. A table of ours beside them keeps, by nbgrader's id,
the hash of what was filled in last, and of what lay there when a score was entered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_TABLE = "grader_submission_hash"


class Entered(NamedTuple):
    """A score that a person gave for a check."""

    score: float | None
    """In place of the suite's; None: extra credit alone."""
    extra: float
    """Extra credit."""
    given_for: str = ""
    """The hash of the submission that lay there then; empty where it is not known."""


class _Kept(NamedTuple):
    hash: str
    entered: str
    """The score that belongs to the hash, as text; empty for a submission."""


class Hashes:
    """The table of hashes in an open gradebook."""

    def __init__(self, book: Any) -> None:
        from sqlalchemy import Column, MetaData, String, Table  # noqa: PLC0415 - nbgrader brings it

        self._book = book
        self._table = Table(
            _TABLE,
            MetaData(),
            Column("id", String(32), primary_key=True),
            Column("hash", String(64), nullable=False),
            Column("entered", String(64), nullable=False),
        )

    def make(self) -> None:
        """Make the table where there is none."""
        self._table.create(self._book.engine, checkfirst=True)

    def all(self) -> dict[str, _Kept]:
        """Return what is kept, by nbgrader's ids of submissions and grades."""
        from sqlalchemy import inspect  # noqa: PLC0415 - nbgrader brings it

        if not inspect(self._book.engine).has_table(_TABLE):
            return {}
        return self._rows()

    def keep(self, submission_id: str, grades: Iterable[Any], now: str) -> None:
        """Keep that the submission of this hash is filled in, and whose the scores by hand are.

        A score that was entered since the last time was given for what lay there until now.
        """
        entered = {grade.id: _entered(grade) for grade in grades if grade.id}
        known = self._rows({submission_id, *entered})
        before = known[submission_id].hash if submission_id in known else now
        wanted = {submission_id: _Kept(now, "")}
        for grade_id, score in entered.items():
            kept = known.get(grade_id)
            if score:
                same = kept is not None and kept.entered == score
                wanted[grade_id] = kept if kept and same else _Kept(before, score)
        for key in {*known, *wanted}:
            if known.get(key) != wanted.get(key):
                self._book.db.execute(self._table.delete().where(self._table.c.id == key))
                if key in wanted:
                    row = {"id": key} | wanted[key]._asdict()
                    self._book.db.execute(self._table.insert().values(row))

    def _rows(self, ids: Iterable[str] | None = None) -> dict[str, _Kept]:
        rows = self._table.select()
        if ids is not None:
            rows = rows.where(self._table.c.id.in_(list(ids)))
        return {row.id: _Kept(row.hash, row.entered) for row in self._book.db.execute(rows)}


def of_grade(grade: Any, submission_id: str, kept: Mapping[str, _Kept]) -> Entered:
    """Return what a person entered in a row of nbgrader's table of grades."""
    found = kept.get(grade.id)
    if found is None or found.entered != _entered(grade):
        found = kept.get(submission_id)
    given_for = found.hash if found else ""
    return Entered(grade.manual_score, grade.extra_credit or 0.0, given_for)


def _entered(grade: Any) -> str:
    """Return the score and the extra credit as text; empty where a person entered none."""
    if grade.manual_score is None and not grade.extra_credit:
        return ""
    return f"{grade.manual_score} {grade.extra_credit or 0.0}"
