"""The services of a whole run: imported before the first fork, brokers started once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from grader.services.catalog import service_kinds
from grader.services.kind import ServiceFactory


@contextmanager
def prepare_services(names: Iterable[str]) -> Iterator[Mapping[str, ServiceFactory]]:
    """Prepare each service that course.toml names; yield what makes one, by the kind's name.

    Raises:
        ServiceError: there is no such kind.
    """
    with ExitStack() as stack:
        yield {kind.name: stack.enter_context(kind.prepare()) for kind in service_kinds(names)}
