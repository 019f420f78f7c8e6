"""Exceptions that a suite lets `handle` raise, by the name that `Run.fails` takes.

A consumer meets many of them itself (a value that does not parse, a connection that is gone, an
iterator at its end), and must not take what `handle` raises for its own.
"""

from __future__ import annotations

ORDINARY = (
    "HandlerError",
    "ValueError",
    "json.JSONDecodeError",
    "UnicodeDecodeError",
    "TypeError",
    "AttributeError",
    "KeyError",
    "IndexError",
    "OSError",
    "FileNotFoundError",
    "BlockingIOError",
    "ConnectionError",
    "ConnectionResetError",
    "BrokenPipeError",
    "TimeoutError",
    "EOFError",
    "StopIteration",
    "RuntimeError",
    "subprocess.TimeoutExpired",
)
"""Of the standard library, all of them an Exception."""

REDIS = ("redis.ConnectionError", "redis.TimeoutError", "redis.ResponseError")
PIKA = (
    "pika.exceptions.AMQPConnectionError",
    "pika.exceptions.ChannelClosedByBroker",
    "pika.exceptions.UnroutableError",
)
BOTOCORE = ("botocore.exceptions.ClientError", "botocore.exceptions.EndpointConnectionError")
KAFKA = ("confluent_kafka.KafkaException", "BufferError")

STOPPING = ("KeyboardInterrupt", "SystemExit")
"""No Exception: what they leave is always left, in every exercise."""

BASE = ("asyncio.CancelledError", "GeneratorExit")
"""No Exception either, and what some programs end themselves with: what they leave is left too."""
