"""How long the imports of a submission's modules take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from grader.worker import importing


class Imports:
    """The imports of one submission, over all of its processes."""

    def __init__(self) -> None:
        self._took: dict[str, list[float]] = {}
        self._under_way: tuple[str, float] | None = None

    @contextmanager
    def timed(self, module: str) -> Iterator[None]:
        """Time the import of `module` in the body."""
        begun = time.monotonic()
        self._under_way = (module, begun)
        try:
            yield
        finally:
            self._under_way = None
            self._took.setdefault(module, []).append(time.monotonic() - begun)

    def slow(self, least: float) -> str:
        """Say it of a module whose imports took `least` seconds together; empty where none did."""
        for module, took in self._took.items():
            together = sum(took)
            if self._under_way is not None and self._under_way[0] == module:
                together += time.monotonic() - self._under_way[1]
            if together >= least:
                return importing.slow(f"{module}.py", sum(took) / len(took), len(took))
        return ""
