"""The addresses of servers that the sinks are given: wrong, without a server, or with a password."""

from __future__ import annotations

import pytest
from generator_lab import one_line


def test_the_password_is_not_shown(generator, closed_port: int) -> None:
    """A server's address is told without the login that stood in its URL."""
    for sink, scheme in (("redis", "redis"), ("streams", "redis"), ("rabbitmq", "amqp")):
        url = f"{scheme}://someone:s3cret@127.0.0.1:{closed_port}/"
        line = one_line(generator.run(sink, "--url", url))
        assert f" at 127.0.0.1:{closed_port}: Connection refused." in line
        assert "s3cret" not in line


@pytest.mark.parametrize(
    ("sink", "option", "url"),
    [
        ("redis", "--url", "redis://127.0.0.1:{port}/0"),
        ("streams", "--url", "redis://127.0.0.1:{port}/0"),
        ("rabbitmq", "--url", "amqp://guest:guest@127.0.0.1:{port}/"),
        ("sqs", "--endpoint-url", "http://127.0.0.1:{port}"),
        ("kafka", "--bootstrap-servers", "127.0.0.1:{port}"),
        ("redis", "--url", "redis://nowhere.invalid"),
        ("rabbitmq", "--url", "amqp://nowhere.invalid"),
        ("sqs", "--endpoint-url", "http://nowhere.invalid"),
        ("kafka", "--bootstrap-servers", "nowhere.invalid"),
    ],
)
def test_a_server_that_does_not_run(
    generator, closed_port: int, sink: str, option: str, url: str
) -> None:
    """Where nobody listens, or the host has no address, one line says how to start the server."""
    line = one_line(generator.run(sink, option, url.format(port=closed_port)))
    assert line.startswith(f"[{sink}] Cannot reach ")
    assert line.endswith("Is it running? Start it with: grader services up")


@pytest.mark.parametrize(
    ("sink", "option", "url"),
    [
        ("redis", "--url", "localhost:6379"),
        ("streams", "--url", "localhost:6379"),
        ("redis", "--url", "redis://localhost:port"),
        ("rabbitmq", "--url", "http://localhost"),
        ("rabbitmq", "--url", "amqp://localhost:99999"),
        ("rabbitmq", "--url", "amqp://localhost/%2F?heartbeat=often"),
        ("sqs", "--endpoint-url", "localhost"),
        ("sqs", "--endpoint-url", "http://[::1"),
        ("kafka", "--bootstrap-servers", "kafka://localhost:9092"),
        ("kafka", "--bootstrap-servers", "localhost:port"),
    ],
)
def test_a_url_that_is_none(generator, sink: str, option: str, url: str) -> None:
    """What is no server's address is refused, by a line that names the option to correct."""
    assert one_line(generator.run(sink, option, url)).startswith(f"[{sink}] {option} ")
