"""Standard output and standard error of a program: they take every text, and lose every reader.

A terminal or a pipe may have another encoding than UTF-8, a file name may be no text at all, and
`| head` stops reading: none of it may end the work of a command with a traceback.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from grader.errors import GraderError

READER_GONE = 1
"""Exit code of a program that ended since nobody reads it any more; click's as well."""
INCOMPLETE = 2
"""Exit code where what was printed is not complete."""

_PLAIN = str.maketrans("✓✗█░·…→×−–—‘’“”�─━╸╺│┃", "+x#.-~>x---''\"\"?----||")  # noqa: RUF001
"""One character for one, so that columns stay where they are."""
_ERRORS = "stream-course.plain"
_ESCAPED_BYTES = range(0xDC80, 0xDD00)
"""How Python keeps the bytes of a name that are no text. Source: PEP 383."""


class Output(io.TextIOBase):
    """A standard stream that replaces what its encoding lacks, and outlives its reader.

    It has no `buffer`: click would write UTF-8 to it, whatever the terminal's encoding is.
    """

    def __init__(self, stream: TextIO, name: str, *, keep_going: bool) -> None:
        """Write to `stream`, called `name` in an error.

        Args:
            stream: where the text goes.
            name: as a user calls it.
            keep_going: when it cannot be written, go on without printing; else the program ends.
        """
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)
        self._stream = stream
        self._name = name
        self._keep_going = keep_going
        self._lost = False
        self.incomplete = False
        """Whether something could not be written that somebody waits for."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only, as that of every stream
        """The terminal's or the pipe's."""
        return self._stream.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]  # as above
        """Return what is done with a character that the encoding lacks."""
        return self._stream.errors

    def fileno(self) -> int:
        """Return the descriptor behind it."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Tell whether it can be written: always."""
        return True

    def write(self, text: str) -> int:
        """Write `text`; it is dropped once nobody reads it."""
        self._unless_lost(lambda: self._stream.write(text))
        return len(text)

    def write_data(self, text: str) -> None:
        """Write `text` for another program: as UTF-8, but on a terminal as that takes it."""
        if self.isatty() or not isinstance(self._stream, io.TextIOWrapper):
            self.write(text)
            return
        buffer, data = self._stream.buffer, text.encode("utf-8", "backslashreplace")
        self.flush()
        self._unless_lost(lambda: buffer.write(data))

    def flush(self) -> None:
        """Write what was kept back."""
        self._unless_lost(self._stream.flush)

    def _unless_lost(self, write: Callable[[], object]) -> None:
        if self._lost:
            return
        try:
            write()
        except OSError as error:
            self._lost = True
            self._drop()
            self.incomplete = error.errno != errno.EPIPE
            if self.incomplete and sys.stderr is not self:
                print(f"{self._name} cannot be written: {error.strerror}", file=sys.stderr)  # noqa: T201 - for whichever program
            if not self._keep_going:
                raise SystemExit(INCOMPLETE if self.incomplete else READER_GONE) from None

    def _drop(self) -> None:
        """Let what is kept back, and what child processes print there, go nowhere."""
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)
            self._stream.flush()


@contextmanager
def printable(*, keep_going: bool = True) -> Iterator[None]:
    """Let a program print whatever it has to say, wherever its output goes.

    Marks become plain ones where the encoding lacks them, other characters their escapes. When
    nobody reads any more, the work goes on without printing; with `keep_going=False` the program
    ends with exit code :data:`READER_GONE`. On a full disk it says so, and its exit code is
    :data:`INCOMPLETE`.
    """
    codecs.register_error(_ERRORS, _plain)
    _open_missing()
    before = sys.stdout, sys.stderr
    output = Output(sys.stdout, "standard output", keep_going=keep_going)
    sys.stdout, sys.stderr = output, Output(sys.stderr, "standard error", keep_going=True)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            if output.incomplete:
                raise SystemExit(INCOMPLETE)
    finally:
        sys.stdout, sys.stderr = before


def write_data(text: str) -> None:
    """Print `text` that another program or a file takes: UTF-8, whatever the locale is."""
    if isinstance(sys.stdout, Output):
        sys.stdout.write_data(text)
    else:
        sys.stdout.write(text)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Return what to write for characters that cannot be encoded. See codecs.register_error."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_instead, error.object[error.start : error.end])), error.end


def _instead(character: str) -> str:
    plain = character.translate(_PLAIN)
    if plain.isascii():
        return plain
    if ord(character) in _ESCAPED_BYTES:
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("ascii", "backslashreplace").decode()


def _open_missing() -> None:
    """Open what the program was started without: the next file would become standard output."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            if null != number:
                os.dup2(null, number)
                os.close(null)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def require_file_names(names: Iterable[str]) -> None:
    """Find out before anything is written whether files can have these names here.

    Raises:
        GraderError: the locale's encoding cannot hold one.
    """
    with file_names():
        for name in names:
            os.fsencode(name)


@contextmanager
def file_names() -> Iterator[None]:
    """Say in a sentence that the locale's encoding cannot hold the name of a file.

    Raises:
        GraderError: a file had such a name.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        here = codecs.lookup(sys.getfilesystemencoding()).name
        if here == "utf-8" or codecs.lookup(error.encoding).name != here:
            raise
        name = str(error.object).encode("ascii", "backslashreplace").decode()
        raise GraderError(
            f"{name} cannot be the name of a file here: the locale's encoding is {here}",
            "Set LC_ALL=C.UTF-8, and run it again.",
        ) from None
