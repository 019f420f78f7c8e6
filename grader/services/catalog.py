"""The services by their names in course.toml."""

from __future__ import annotations

from importlib import import_module

from grader.services.base import Service

WELL_KNOWN_PORTS = {"redis": 6379, "sqs": 4566, "rabbitmq": 5672}
"""The ports of the lessons."""

_CLASSES = {
    "redis": ("grader.services.redis.service", "RedisService"),
    "sqs": ("grader.services.sqs.service", "SqsService"),
    "rabbitmq": ("grader.services.rabbitmq.service", "RabbitMQService"),
}


def service_class(name: str) -> type[Service]:
    """The class behind a name of course.toml; imported now, which takes a while for some."""
    module, attribute = _CLASSES[name]
    found: type[Service] = getattr(import_module(module), attribute)
    return found
