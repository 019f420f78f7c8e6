"""The sink for SQS: the queue that it makes, the messages in it, and FIFO queues."""

from __future__ import annotations

import json
from typing import Any

from generator_lab import one_line

from events import decode


def received(sqs: Any, url: str, count: int) -> list[dict[str, Any]]:
    """So many messages of a queue, each deleted; fewer if it runs dry."""
    messages: list[dict[str, Any]] = []
    while len(messages) < count:
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        if not (batch := answer.get("Messages", [])):
            break
        for message in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        messages += batch
    return messages


def test_sqs_gets_the_events(generator, sqs: Any, sqs_url: str, name: str) -> None:
    """The queue is made with the lesson's settings; a message is an event with its attribute."""
    options = ("--endpoint-url", sqs_url, "--queue", name, "--interval", 0, "--count", 15)
    done = generator.run("sqs", *options)
    lines = done.stdout.splitlines()
    server = sqs_url.removeprefix("http://")
    assert lines[0] == (
        f"[sqs] Sending 15 events to queue {name} of SQS at {server}, as fast as possible."
    )
    assert lines[1:-1] == [f"[sqs] Sent event {k}/15" for k in range(1, 16)]
    assert lines[-1] == "[sqs] Done: 15 events sent."
    assert (done.returncode, done.stderr) == (0, "")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    settings = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert settings["VisibilityTimeout"] == "30"
    assert settings["MessageRetentionPeriod"] == "86400"
    policy = json.loads(settings["RedrivePolicy"])
    assert policy["deadLetterTargetArn"].endswith(f":{name}-dead")
    assert int(policy["maxReceiveCount"]) == 3
    messages = received(sqs, url, 15)
    assert len({decode(message["Body"]).event_id for message in messages}) == 15
    for message in messages:
        assert message["MessageAttributes"]["EventType"]["StringValue"] == "trip_start"


def test_sqs_leaves_a_queue_that_exists_as_it_is(
    generator, sqs: Any, sqs_url: str, name: str
) -> None:
    """The consumer may have created it, with settings of its own; SQS_ENDPOINT_URL works too."""
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})["QueueUrl"]
    options = ("--queue", name, "--interval", 0, "--count", 2)
    done = generator.run("sqs", *options, SQS_ENDPOINT_URL=sqs_url)
    assert (done.returncode, done.stderr) == (0, "")
    settings = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert settings["VisibilityTimeout"] == "7"
    assert "RedrivePolicy" not in settings
    assert len(received(sqs, url, 2)) == 2


def test_sqs_fifo(generator, sqs: Any, sqs_url: str, name: str) -> None:
    """In a FIFO queue a zone is a group, without spaces, and the id tells duplicates."""
    queue = f"{name}.fifo"
    options = ("--endpoint-url", sqs_url, "--queue", queue, "--interval", 0, "--count", 20)
    done = generator.run("sqs", *options, "--seed", 1)
    assert (done.returncode, done.stderr) == (0, "")
    messages = received(sqs, sqs.get_queue_url(QueueName=queue)["QueueUrl"], 20)
    assert len(messages) == 20
    assert sqs.get_queue_url(QueueName=f"{name}-dead.fifo")["QueueUrl"]
    groups = set()
    for message in messages:
        trip = decode(message["Body"])
        groups.add(message["Attributes"]["MessageGroupId"])
        assert message["Attributes"]["MessageGroupId"] == trip.pickup_zone.replace(" ", "-")
        assert message["Attributes"]["MessageDeduplicationId"] == str(trip.event_id)
    assert "Staten-Island" in groups


def test_sqs_refuses_a_name(generator, sqs_url: str) -> None:
    """A queue's name with a space in it: one line with the server's reason."""
    done = generator.run("sqs", "--endpoint-url", sqs_url, "--queue", "taxi events")
    assert "refuses the queue taxi events: " in one_line(done)
