"""Who answers at an address: the server that is meant, or another program that has its port."""

from __future__ import annotations

from grader.services.rabbitmq.node import greets

_SECONDS = 3.0
"""For each answer: who is silent for so long on this machine is no server of ours."""


def rabbitmq_problem(
    host: str,
    port: int,
    username: str = "guest",
    password: str = "guest",  # noqa: S107 - what every new RabbitMQ takes
    virtual_host: str = "/",
) -> str:
    """Why a RabbitMQ cannot be used, in a few words; "" where one lets us in."""
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


def redis_problem(url: str) -> str:
    """Why a Redis cannot be used, in a few words; "" where one answers."""
    import redis  # noqa: PLC0415 - each client is imported where it is needed
    from redis.backoff import NoBackoff  # noqa: PLC0415 - as above
    from redis.retry import Retry  # noqa: PLC0415 - as above

    try:
        with redis.Redis.from_url(
            url,
            socket_connect_timeout=_SECONDS,
            socket_timeout=_SECONDS,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            client.ping()
    except redis.AuthenticationError:
        return "Redis refuses the password"
    except Exception:  # noqa: BLE001 - whatever the client makes of another program's answer
        return "no Redis answers"
    return ""


def sqs_problem(url: str) -> str:
    """Why an SQS cannot be used, in a few words; "" where one answers."""
    import boto3  # noqa: PLC0415 - each client is imported where it is needed
    from botocore.config import Config  # noqa: PLC0415 - as above

    try:
        client = boto3.client(
            "sqs",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - what every local stand-in takes
            config=Config(
                connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": 1}
            ),
        )
        client.list_queues(MaxResults=1)
    except Exception:  # noqa: BLE001 - as above
        return "no SQS answers"
    return ""
