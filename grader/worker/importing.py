"""Imports a module of the student's, and says in words why it could not be imported.

The hidden suite's processes use it, and the trial import on a learner's own machine: both say the
same of the same file.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
import traceback

MAIN_GUARD = (
    "code outside of any function runs at each import; "
    'put what tries your functions out under `if __name__ == "__main__":`'
)
"""By service: the libraries that are imported before a student's module is."""
_folder: list[str] = []
_TRACEBACK = BaseException.__dict__["__traceback__"]
_MOST_WORDS = 400
"""Characters of an exception's message; a report keeps some more, so that its line fits in."""


class NoDebuggerError(Exception):
    """The student's code called breakpoint() where nobody can type."""


def no_debugger(*_: object, **__: object) -> None:
    """Stand in for the debugger, as sys.breakpointhook.

    Raises:
        NoDebuggerError: always; it says where a debugger works.
    """
    raise NoDebuggerError(
        "breakpoint() works with `pytest`, which gives you its prompt; nobody can type here"
    )


class LoadError(Exception):
    """The student's module could not be imported; the message says why."""


def stage(folder: str) -> None:
    """Let modules of `folder` be imported; only frames of its files are the student's."""
    sys.path[:0] = [folder]
    _folder[:] = [os.path.join(folder, "")]  # noqa: PTH118 - a prefix, with its last separator


def load(module: str) -> None:
    """Import a module of the student's.

    Raises:
        LoadError: it raised something, whatever it was.
    """
    try:
        importlib.import_module(module)
    except BaseException as error:  # noqa: BLE001 - a module may raise anything at import
        sys.modules.pop(module, None)
        advice = _advice(error, module)
        raise LoadError(f"{sentence(error)}{'; ' if advice else ''}{advice}") from None


def failed(file: str, reason: str) -> str:
    """Say that importing `file` raised."""
    return f"{file} could not be imported: {reason}"


def endless(file: str, seconds: float, line: int = 0) -> str:
    """Say that importing `file` was under way after `seconds`, in `line` where it is known."""
    where = f" (it was in line {line})" if line else ""
    return f"importing {file} did not end within {seconds:g} s{where}: {MAIN_GUARD}"


def ended(file: str) -> str:
    """Say that importing `file` ended the process."""
    return (
        f"importing {file} ended its own process (os._exit, a signal, or out of memory); "
        + MAIN_GUARD
    )


def slow(file: str, seconds: float, times: int = 1) -> str:
    """Say how long importing `file` took, on average where it was `times`."""
    often = f" each time, {times} times in all" if times > 1 else ""
    shown = f"{seconds:.0f}" if seconds >= 2 else f"{seconds:.1f}"  # noqa: PLR2004 - digits
    return f"importing {file} took {shown} s{often}: {MAIN_GUARD}"


_NAME = type.__dict__["__name__"]


def name_of(kind: type) -> str:
    """Return a class's own name, whatever a metaclass of the student's says."""
    name: str = _NAME.__get__(kind)
    return name


def told_apart(kind: type) -> str:
    """Return the name, after its module's where the name alone says another one, or nothing.

    Many libraries have a TimeoutError of their own; struct has an `error`.
    """
    name = name_of(kind)
    if getattr(builtins, name, kind) is kind and name.lower() != "error":
        return name
    module = type.__getattribute__(kind, "__dict__").get("__module__")
    return f"{module}.{name}" if type(module) is str else name


def sentence(error: BaseException) -> str:
    """Give the exception in a line: its type, its words, and the student's line it came from."""
    try:
        words = shortened(str(error))
    except BaseException:  # noqa: BLE001 - a student's __str__ may do anything
        words = "(its message cannot be shown)"
    name = told_apart(type(error))
    text = f"{name}: {words}" if words else name
    if issubclass(type(error), SyntaxError):  # by its type: `__class__` may be a property of theirs
        return text
    frames = student_frames(error)
    if not frames:
        return text
    return f"{text} (line {frames[-1].lineno} of {_base(frames[-1].filename)})"


def shortened(words: str) -> str:
    """Cut an exception's message where it is longer than anybody reads."""
    return words if len(words) <= _MOST_WORDS else f"{words[:_MOST_WORDS]}…"


def student_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return where the exception passed through the student's own files, outermost first."""
    frames = traceback.extract_tb(_TRACEBACK.__get__(error))
    return [each for each in frames if each.filename.startswith(tuple(_folder) or "\0")]


def _advice(error: BaseException, module: str) -> str:
    """Say what to do about an import that failed; empty where the sentence is enough."""
    kind = type(error)
    if issubclass(kind, ModuleNotFoundError) and (missing := getattr(error, "name", "")):
        return (
            f"no module {missing} was handed in, and none is installed: "
            f"code of your own goes into {module}.py"
        )
    words = sentence(error)
    if issubclass(kind, ImportError) and "relative import" in words:
        return "write it without the dot, as in `from polling import poll`"
    frames = student_frames(error)
    functions = [each for each in frames if each.name != "<module>"]
    asks = issubclass(kind, EOFError) or (
        issubclass(kind, OSError) and "reading from stdin" in words
    )
    if functions or asks or issubclass(kind, SystemExit | KeyboardInterrupt):
        asked = "nobody answers input() here, and " if asks else ""
        return asked + MAIN_GUARD
    return ""


def _base(filename: str) -> str:
    return filename.replace("\\", "/").rpartition("/")[2]
