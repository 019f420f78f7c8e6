"""Other people's classes, which course.toml names as entry points: `package.module:Class`."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from grader.errors import GraderError

PLACE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
"""A class by where it lies."""


class PluginError(GraderError):
    """A class cannot be had; `reason` says why."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"there is no {place!r}: {reason}", "course.toml names it.")
        self.reason = reason


def load(place: str) -> Any:
    """Return what lies at `place`; imports its module.

    Raises:
        PluginError: nothing does, or its module cannot be imported.
    """
    module, _, attribute = place.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise PluginError(place, str(error)) from None
    except Exception as error:  # the module is an instructor's own, and raises what it likes
        raise PluginError(place, f"{type(error).__name__}: {error}") from error


def place_of(kind: type) -> str:
    """Return what `load` finds a class by."""
    return f"{kind.__module__}:{kind.__qualname__}"


def folder_of(kind: type) -> str:
    """Return the folder from which the module of a class is imported."""
    module = sys.modules[kind.__module__]
    assert module.__file__ is not None
    return str(Path(module.__file__).parents[module.__name__.count(".")])


def modules_in(folder: Path, places: Iterable[str]) -> list[Path]:
    """Return the files below `folder` in which the classes of those places stand.

    Raises:
        PluginError: there is no such class.
    """
    files = {Path(inspect.getfile(load(place))).resolve() for place in places}
    return sorted(file for file in files if file.is_relative_to(folder.resolve()))
