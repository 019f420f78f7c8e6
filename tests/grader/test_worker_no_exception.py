"""What leaves a callback of confluent-kafka may be no exception; no `except BaseException` sees it.

Version 2.16.1 raises the KafkaError itself where a call of the client fails inside a callback and
nothing catches it there.
"""

from __future__ import annotations

from lab import Lab

from grader.course import Limits
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.suite.consumer import Consumer

CODE = b"""\
import confluent_kafka

def fails_in_a_callback():
    def ask(_):
        consumer.committed([confluent_kafka.TopicPartition("trips", 0)], timeout=0.01)

    settings = {"bootstrap.servers": "127.0.0.1:1", "group.id": "fares", "log_level": 0}
    settings |= {"stats_cb": ask, "statistics.interval.ms": 10}
    consumer = confluent_kafka.Consumer(settings)
    while True:
        consumer.poll(1)
"""


def test_what_is_no_exception_is_told_as_one() -> None:
    """The call has raised, and the process lives on."""
    setup = Setup(files={"sample.py": CODE}, limits=Limits(seconds=10))
    with ProcessSandbox(setup) as sandbox:
        consumer = Consumer(Lab(sandbox))
        process = consumer.process()
        for _ in range(2):
            raised = process.start("sample.fails_in_a_callback").raised()
            assert not raised.by_handle
            assert "_TIMED_OUT" in raised.message
        consumer.close()
