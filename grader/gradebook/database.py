"""nbgrader's database: opened, made where there is none, its errors as sentences."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grader.errors import INSTALL_INSTRUCTOR, GraderError

FILE = "gradebook.db"
AGAIN = "Once it can be, run the same command again."
KEPT = "The results are kept; once it can be, run `grader gradebook` on them."
"""The next step where the gradebook cannot be filled, or read before that."""


def available() -> bool:
    """Tell whether nbgrader is installed."""
    try:
        api()
    except GraderError:
        return False
    return True


def default_url(out: Path) -> str:
    """Return the database in a folder of results."""
    return f"sqlite:///{(out / FILE).resolve()}"


def existing_url(out: Path) -> str | None:
    """Return the database in a folder of results, or None without a file or without nbgrader."""
    return default_url(out) if (out / FILE).exists() and available() else None


def api() -> Any:
    """Return nbgrader.api, imported when it is first needed, since that takes a second.

    Raises:
        GraderError: nbgrader is missing.
    """
    # jsonschema has it build a parser, for 1.6 s, of a kind of URL that no notebook has.
    with _without("rfc3987_syntax"):
        try:
            from nbgrader import api  # noqa: PLC0415 - see above
        except ImportError:
            raise GraderError(
                "the gradebook needs nbgrader, which is not installed", INSTALL_INSTRUCTOR
            ) from None
        except RuntimeError as error:  # Jupyter, of a user without a home folder
            raise GraderError(
                f"nbgrader cannot be used: {str(error).rstrip('.')}", "Set HOME to a folder."
            ) from None
    return api


@contextmanager
def _without(module: str) -> Iterator[None]:
    """Let whoever can do without `module` find that it is not installed."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # how the import system marks it
    try:
        yield
    finally:
        del sys.modules[module]


@contextmanager
def opened(url: str, *, new: bool = True, help_: str = KEPT) -> Iterator[Any]:
    """Open nbgrader's Gradebook on `url`; where `new`, it may be made.

    `help_` is the next step where it cannot be used.

    Raises:
        GraderError: nbgrader is missing, or the database cannot be used.
    """
    nbgrader = api()
    from sqlalchemy.exc import (  # noqa: PLC0415 - nbgrader brings it
        ArgumentError,
        DatabaseError,
        NoSuchModuleError,
    )

    # It calls `alembic`, which lies beside the interpreter and not always in PATH.
    beside = os.path.dirname(sys.executable)  # noqa: PTH120 - part of PATH
    if beside not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{beside}"
    shown = url if url.startswith("sqlite") else url.rpartition("@")[2]
    log = logging.getLogger("tornado.application")  # where nbgrader shows the traces of its errors
    try:
        log.disabled = True
        _create(url, new=new)
        with _connect(url) as book:
            try:
                yield book
            except BaseException:
                book.db.rollback()
                raise
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise GraderError(f"{shown} is not a database's URL that can be used: {error}") from None
    except (DatabaseError, nbgrader.InvalidEntry, OSError) as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        reason = re.sub(r"^\([\w.]+\) ", "", reason)  # the class's name, where nbgrader wraps one
        raise GraderError(
            f"the gradebook {shown} cannot be used: {reason}",
            help_,
        ) from None
    finally:
        log.disabled = False


def _connect(url: str) -> Any:
    """Return nbgrader's Gradebook; where it cannot be made, close what it had opened."""
    kind = api().Gradebook
    book = kind.__new__(kind)
    try:
        book.__init__(url)
    except BaseException:
        if hasattr(book, "db"):
            book.db.remove()
            book.engine.dispose()
        raise
    return book


def _create(url: str, *, new: bool) -> None:
    """Make a new SQLite database aside: nbgrader takes one with some of its tables for whole."""
    from sqlalchemy import make_url  # noqa: PLC0415 - nbgrader brings it

    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return
    database = Path(parsed.database)
    if database.exists():
        return
    if not new:
        raise GraderError(
            f"there is no gradebook {database}", "`grader gradebook OUT --db URL` makes one."
        )
    aside = database.with_name(f".{database.name}.new")
    try:
        aside.unlink(missing_ok=True)  # left by a run that was killed
        _connect(str(parsed.set(database=str(aside)))).close()
        aside.replace(database)
    finally:
        for left in (aside, aside.with_name(f"{aside.name}-journal")):
            left.unlink(missing_ok=True)
