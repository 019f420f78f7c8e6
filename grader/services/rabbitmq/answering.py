"""Tell whether a RabbitMQ answers at an address, or another program that has its port."""

from __future__ import annotations

from grader.services.rabbitmq.node import greets

_SECONDS = 3.0
"""For an answer: who is silent for so long on this machine is no server of ours."""


def rabbitmq_problem(
    host: str,
    port: int,
    username: str = "guest",
    password: str = "guest",  # noqa: S107 - what every new RabbitMQ takes
    virtual_host: str = "/",
) -> str:
    """Return why a RabbitMQ cannot be used, in a few words; "" where one lets us in."""
    if not greets(host, port):
        return "no RabbitMQ answers"
    import pika  # noqa: PLC0415 - each client is imported where it is needed
    import pika.exceptions  # noqa: PLC0415 - as above

    parameters = pika.ConnectionParameters(
        host=host,
        port=port,
        virtual_host=virtual_host,
        credentials=pika.PlainCredentials(username, password),
        socket_timeout=_SECONDS,
        stack_timeout=_SECONDS,
        blocked_connection_timeout=_SECONDS,
    )
    try:
        pika.BlockingConnection(parameters).close()
    except (
        pika.exceptions.ProbableAuthenticationError,
        pika.exceptions.ProbableAccessDeniedError,
        pika.exceptions.ConnectionClosedByBroker,
    ):
        return "RabbitMQ refuses the user, the password or the virtual host"
    except Exception:  # noqa: BLE001 - whatever pika makes of what only began like a RabbitMQ
        return "no RabbitMQ answers"
    return ""
