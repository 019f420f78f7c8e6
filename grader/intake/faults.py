"""What can be wrong with an archive, as a sentence for who handed it in."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

LINK = "is a link, which is not followed"
"""Fault of a folder: what it leads to is not looked at."""


UNREADABLE = "cannot be read"
"""Begins the fault of an archive that is broken, such as one of which the end is missing."""


class BadArchive(Exception):  # noqa: N818 - a finding, not an error of ours
    """It cannot be read, or may not be; the message says why."""


@contextmanager
def faults_as_sentences() -> Iterator[None]:
    """Raise BadArchive for whatever the readers of archives raise."""
    try:
        yield
    except MemoryError:
        raise BadArchive("takes more memory than it may have while it is read") from None
    except (NotImplementedError, RuntimeError) as error:
        raise BadArchive(f"is of a kind that is not read: {error}") from None
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        OSError,
        ValueError,
        LookupError,
        ArithmeticError,
        AssertionError,
        TypeError,
    ) as error:
        said = getattr(error, "strerror", None) or error
        raise BadArchive(f"{UNREADABLE}: {said}") from None


def require_inside(name: str) -> None:
    """Refuse a name that leads out of the archive, though no file is ever put where it says.

    Raises:
        BadArchive: it does.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    drive = len(name) > 1 and name[1] == ":"
    if path.is_absolute() or drive or ".." in path.parts or any(ord(c) < ord(" ") for c in name):
        raise BadArchive(f"holds a name that leads elsewhere: {name!r}")
