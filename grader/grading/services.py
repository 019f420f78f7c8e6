"""The services of a whole run: imported before the first fork, brokers started once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from grader.services.catalog import service_class
from grader.suite.session import ServiceFactory


@contextmanager
def prepare_services(names: set[str]) -> Iterator[Mapping[str, ServiceFactory]]:
    """What a grading process calls to get each of `names`.

    Everything is imported here, so that the processes forked from this one need not. RabbitMQ
    begins to start in the background; who asks for it first waits for it.
    """
    factories: dict[str, Callable[..., object]] = {name: service_class(name) for name in names}
    with ExitStack() as stack:
        if "sqs" in names:
            from grader.services.sqs.service import warm  # noqa: PLC0415 - as below

            warm()
        if "rabbitmq" in names:
            # pika's import is not for a run that needs no broker.
            from grader.services.rabbitmq.broker import run_broker  # noqa: PLC0415

            broker = stack.enter_context(run_broker())
            factories["rabbitmq"] = partial(factories["rabbitmq"], broker)
        yield factories  # type: ignore[misc]  # classes of Service are factories of Service
