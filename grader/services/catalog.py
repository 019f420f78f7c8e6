"""The kinds of services by their names in course.toml."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from grader.errors import ServiceError
from grader.plugins import PluginError, load
from grader.services.kind import ServiceKind

_OWN = {
    "redis": "grader.services.redis.kind:RedisKind",
    "rabbitmq": "grader.services.rabbitmq.kind:RabbitMQKind",
    "sqs": "grader.services.sqs.kind:SqsKind",
    "kafka": "grader.services.kafka.kind:KafkaKind",
}
OWN_KINDS = tuple(_OWN)
"""The names of the course's own kinds, in the order of its lessons."""


@cache
def service_kind(name: str) -> ServiceKind:
    """Return the kind of that name; imports its module.

    Args:
        name: of OWN_KINDS, or `package.module:Class`.

    Raises:
        ServiceError: there is none.
    """
    try:
        found = load(_OWN.get(name, name))
    except PluginError as error:
        raise ServiceError(
            f"there is no service {name!r}: {error.reason}",
            f"course.toml names one of {', '.join(_OWN)}, or yours as `package.module:Class`.",
        ) from None
    if not (isinstance(found, type) and issubclass(found, ServiceKind)):
        raise ServiceError(
            f"{name} is no kind of service", "It inherits from grader.services.kind.ServiceKind."
        )
    return found()


def service_kinds(names: Iterable[str]) -> list[ServiceKind]:
    """Return the kinds of those names, each once, in order."""
    return [service_kind(name) for name in dict.fromkeys(names)]
