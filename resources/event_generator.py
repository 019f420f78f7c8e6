"""The producer of the course: sends random taxi trips to the source that a consumer reads.

    python resources/event_generator.py file --path taxi_events.jsonl --interval 1 --count 30

`--help`, also after the name of a sink, says the rest.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from event_sinks.base import Sink, SinkError, events
from event_sinks.run import Plan, Run
from grader.host.standard_streams import printable

STOPPED_BY_CTRL_C = 130
"""What a shell reports for a program that SIGINT ended: 128 + 2."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _produce(open_sink: Callable[[], Sink], plan: Plan) -> None:
    """Open the sink, run the plan, say how it went, and leave with the exit code."""
    name = click.get_current_context().info_name or ""
    run: Run | None = None
    try:
        with contextlib.closing(open_sink()) as sink:
            run = Run(name, sink, plan)
            click.echo(f"[{name}] {plan.announce(sink.target)}")
            run.go()
            _end(name, f"Done: {events(run.sent)} sent.", sink)
    except SinkError as error:
        progress = f" Stopped {run.stopped()}." if run else ""
        click.echo(f"[{name}] {error}{progress}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        if run is None:
            _end(name, "Stopped by Ctrl-C before the first event.")
        else:
            _end(name, f"Stopped by Ctrl-C {run.stopped()}.", sink)
        sys.exit(STOPPED_BY_CTRL_C)


def _end(name: str, line: str, sink: Sink | None = None) -> None:
    remark = sink.remark() if sink else ""
    click.echo(f"[{name}] {line} {remark}".rstrip())


def _a_number(context: click.Context, option: click.Parameter, value: float) -> float:
    # Not a number is in every range.
    if math.isnan(value):
        raise click.BadParameter("must be a number of seconds.")
    return value


def _named(context: click.Context, option: click.Parameter, value: str) -> str:
    # RabbitMQ would make up a name, and the events would go to a queue that nobody knows.
    if not value.strip():
        raise click.BadParameter("must not be empty.")
    return value


class _InCourseOrder(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


def _planned(command: _Command) -> _Command:
    """Give a sub-command the options of `Plan`."""
    for option in (
        click.option("--quiet", is_flag=True, help="No line for each event."),
        click.option(
            "--seed",
            type=int,
            metavar="N",
            help="The same seed makes the same trips, but for their timestamps.",
        ),
        click.option(
            "--count",
            type=click.IntRange(min=0),
            metavar="N",
            default=0,
            help="How many events to send; 0 goes on until Ctrl-C.",
        ),
        click.option(
            "--interval",
            type=click.FloatRange(0, 86_400),
            metavar="SECONDS",
            default=1.0,
            callback=_a_number,
            help="From one event to the next; 0 is full speed.",
        ),
    ):
        command = option(command)
    return command


@click.group(
    cls=_InCourseOrder,
    context_settings={"show_default": True, "help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all events sent, 1 the sink is missing or broke, 2 wrong options, "
    f"{STOPPED_BY_CTRL_C} stopped by Ctrl-C.",
)
def main() -> None:
    """Send random taxi trips, one JSON object a line, to where a consumer reads them.

    Choose a sink; each has options of its own: event_generator.py SINK --help

    \b
    Thirty events, one a second, into a file:
      python resources/event_generator.py file --path taxi_events.jsonl --count 30
    A million events, as fast as possible:
      python resources/event_generator.py file --interval 0 --quiet --count 1000000
    The same trips as last time, until Ctrl-C:
      python resources/event_generator.py redis --seed 7
    """  # noqa: D301 - click reads the backspace


@main.command("file")
@click.option(
    "--path",
    type=click.Path(path_type=Path),
    default="taxi_events.jsonl",
    help="The file; it is created if it does not exist.",
)
@_planned
def _file(path: Path, **plan: Any) -> None:
    """Append to a file (exercises 01 and 02)."""
    from event_sinks.local import FileSink

    _produce(lambda: FileSink(path), Plan(**plan))


@main.command("socket")
@click.option("--host", default="localhost", callback=_named, help="Where the consumer listens.")
@click.option(
    "--port", type=click.IntRange(1, 65535), metavar="N", default=9999, help="Its TCP port."
)
@_planned
def _socket(host: str, port: int, **plan: Any) -> None:
    """Write to a consumer's TCP socket (exercise 02).

    Start the consumer first: it is the one that listens.
    """
    from event_sinks.local import SocketSink

    _produce(lambda: SocketSink(host, port), Plan(**plan))


@main.command("redis")
@click.option("--channel", default="taxi_events", callback=_named, help="The Pub/Sub channel.")
@click.option(
    "--url",
    envvar="REDIS_URL",
    show_envvar=True,
    default="redis://localhost:6379/0",
    help="The server.",
)
@_planned
def _redis(channel: str, url: str, **plan: Any) -> None:
    """Publish to a Redis channel (exercise 03).

    Nothing is kept for later: start the subscriber first. The last line says how many events
    nobody received.
    """
    from event_sinks.redis_sink import RedisSink

    _produce(lambda: RedisSink(url, channel), Plan(**plan))


@main.command("rabbitmq")
@click.option(
    "--queue",
    default="taxi_events",
    callback=_named,
    help="The queue, declared if it does not exist.",
)
@click.option(
    "--url",
    envvar="RABBITMQ_URL",
    show_envvar=True,
    default="amqp://guest:guest@localhost:5672/%2F",
    help="The broker.",
)
@_planned
def _rabbitmq(queue: str, url: str, **plan: Any) -> None:
    """Publish to a RabbitMQ queue (exercise 03).

    The queue is durable, the messages are persistent and confirmed by the broker, and a queue
    QUEUE.dead takes what a consumer rejects. The events wait until a consumer comes.
    """
    from event_sinks.rabbitmq_sink import RabbitMQSink

    _produce(lambda: RabbitMQSink(url, queue), Plan(**plan))


@main.command("sqs")
@click.option(
    "--queue",
    default="taxi-events",
    callback=_named,
    help="The queue, created if it does not exist.",
)
@click.option(
    "--endpoint-url",
    envvar="SQS_ENDPOINT_URL",
    show_envvar=True,
    default="http://localhost:4566",
    help="The server.",
)
@click.option("--region", default="us-east-1", help="The AWS region.")
@_planned
def _sqs(queue: str, endpoint_url: str, region: str, **plan: Any) -> None:
    """Send to an Amazon SQS queue (exercise 04).

    The credentials are test/test, which local servers take, unless AWS_ACCESS_KEY_ID is set.
    The name of a FIFO queue ends in .fifo. The events wait until a consumer comes.
    """
    from event_sinks.sqs_sink import SqsSink

    _produce(lambda: SqsSink(endpoint_url, region, queue), Plan(**plan))


@main.command("streams")
@click.option(
    "--stream",
    default="taxi_events",
    callback=_named,
    help="The stream, created if it does not exist.",
)
@click.option(
    "--url",
    envvar="REDIS_URL",
    show_envvar=True,
    default="redis://localhost:6379/0",
    help="The server.",
)
@_planned
def _streams(stream: str, url: str, **plan: Any) -> None:
    """Append to a Redis stream (exercise 05).

    Each event is an entry, its JSON in the field event. The entries stay in the stream, also
    when they have been read.
    """
    from event_sinks.redis_sink import StreamSink

    _produce(lambda: StreamSink(url, stream), Plan(**plan))


@main.command("kafka")
@click.option(
    "--topic",
    default="taxi_events",
    callback=_named,
    help="The topic, created if it does not exist.",
)
@click.option(
    "--bootstrap-servers",
    envvar="KAFKA_BOOTSTRAP_SERVERS",
    show_envvar=True,
    default="localhost:9092",
    callback=_named,
    help="The brokers.",
)
@_planned
def _kafka(topic: str, bootstrap_servers: str, **plan: Any) -> None:
    """Publish to a Kafka topic (exercise 06).

    The key is the pickup_zone, so that all events of a zone are in one partition, in order. The
    broker confirms each event. The events stay in the topic, also when they have been read.
    """
    from event_sinks.kafka_sink import KafkaSink

    _produce(lambda: KafkaSink(bootstrap_servers, topic), Plan(**plan))


if __name__ == "__main__":
    with printable(keep_going=False):
        main(prog_name="event_generator.py")
