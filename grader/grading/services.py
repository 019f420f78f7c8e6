"""The services of a whole run: imported before the first fork, brokers started once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from grader.services.catalog import service_class
from grader.suite.session import ServiceFactory


@contextmanager
def prepare_services(names: set[str]) -> Iterator[Mapping[str, ServiceFactory]]:
    """What a grading process calls to get each of `names`.

    Everything is imported here, so that the processes forked from this one need not.
    """
    factories: dict[str, Callable[[], object]] = {name: service_class(name) for name in names}
    yield factories  # type: ignore[misc]  # classes of Service are factories of Service
