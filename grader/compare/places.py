"""The places of a comparison: each made for a run, and none left behind."""

from __future__ import annotations

import contextlib
import itertools
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grader.compare.place import Place
from grader.compare.processes.crew import RunError
from grader.compare.techniques.technique import Technique


class Places:
    """Makes them in a folder and on servers; to be closed."""

    def __init__(
        self,
        folder: Path,
        urls: dict[str, str],
        interval: float,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.folder = folder
        self._urls = urls
        self._settings = settings or {}
        """What places have besides, by service."""
        self._interval = interval
        self._numbers = itertools.count()
        self._made: dict[str, tuple[Technique, Place]] = {}

    def make(self, technique: Technique) -> Place:
        """Make a fresh one, with its queue where the technique needs one that exists.

        Raises:
            RunError: its server does not answer.
        """
        name = f"compare-{next(self._numbers)}-{secrets.token_hex(4)}"
        place = Place(
            path=str(self.folder / f"{name}.jsonl"),
            offset_path=str(self.folder / f"{name}.offset"),
            interval=self._interval,
            port=technique.port(),
            url=self._urls.get(technique.service or "", ""),
            name=name,
            **self._settings.get(technique.service or "", {}),
        )
        # A file that is missing when tail starts keeps it from using inotify for good.
        Path(place.path).touch()
        self._made[name] = (technique, place)
        with answering(technique.title):
            technique.make(place)
        return place

    def clear(self, place: Place) -> None:
        """Remove one: the disk is small, and the server may be somebody's own."""
        technique, _ = self._made.pop(place.name)
        for path in (place.path, place.offset_path):
            Path(path).unlink(missing_ok=True)
        # A server that is gone holds nothing.
        with contextlib.suppress(Exception):
            technique.remove(place)

    def close(self) -> None:
        """Remove those of runs that failed or were broken off."""
        for _, place in list(self._made.values()):
            self.clear(place)


@contextmanager
def answering(server: str) -> Iterator[None]:
    """Make one sentence of what a client of `server` raises.

    Raises:
        RunError: it raised.
    """
    try:
        yield
    except RunError:
        raise
    except Exception as error:  # each client has a family of its own, and raises OSError too
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise RunError(f"{server} does not answer: {reason}") from error
