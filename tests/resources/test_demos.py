"""The demos of exercises 03 and 04 with the solutions as a learner's own functions."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pika
import pytest

REPO = Path(__file__).resolve().parents[2]
EXISTS = "the queue exists with other settings"


@pytest.fixture
def demo(tmp_path: Path) -> Any:
    """Starts a demo, whose functions are filled in."""

    def start(exercise: str, *arguments: str, **servers: str) -> subprocess.Popen[str]:
        folder = tmp_path / exercise
        shutil.copytree(REPO / "solutions" / exercise, folder, dirs_exist_ok=True)
        shutil.copy(REPO / "exercises" / exercise / "demo.py", folder)
        return subprocess.Popen(
            [sys.executable, str(folder / "demo.py"), *arguments],
            env={**os.environ, **servers},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def test_what_was_not_done_in_a_crash_comes_again(
    demo, generator, rabbitmq_url: str, name: str
) -> None:
    """With --work a kill falls inside handle: that event comes to the next consumer, no done one."""
    generator.run(
        "rabbitmq", "--queue", name, "--interval", "0", "--count", "3", RABBITMQ_URL=rabbitmq_url
    )
    way = ("03", "rabbitmq", "--name", name)
    with demo(*way, "--work", "2", RABBITMQ_URL=rabbitmq_url) as first:
        lines = [first.stdout.readline() for _ in range(3)]
        first.kill()
    assert lines[1] == "[rabbitmq] event  1: done\n"
    with demo(*way, "--count", "2", RABBITMQ_URL=rabbitmq_url) as second:
        again, _ = second.communicate(timeout=60)
    assert again.splitlines()[0].partition(": ")[2] == lines[2].strip().partition(": ")[2]
    assert len(again.splitlines()) == 2


def test_a_queue_of_other_settings_is_one_line(
    demo, rabbitmq_url: str, sqs: Any, sqs_url: str, name: str
) -> None:
    """Left by an earlier try at declaring it: the demo says how to get rid of it."""
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
        connection.channel().queue_declare(name, durable=True)
    sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})
    rabbitmq = demo("03", "rabbitmq", "--name", name, RABBITMQ_URL=rabbitmq_url)
    create = demo("04", "create", "--queue", name, SQS_ENDPOINT_URL=sqs_url)
    for process in (rabbitmq, create):
        with process:
            _, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert said.startswith(EXISTS)
        assert said.strip().endswith("grader services down, then grader services up")
        assert len(said.splitlines()) == 1


def test_a_kill_after_handle_repeats_that_event(
    demo, generator, rabbitmq_url: str, name: str
) -> None:
    """With --kill-after the event was handled and not acknowledged: the next consumer gets it."""
    generator.run(
        "rabbitmq", "--queue", name, "--interval", "0", "--count", "3", RABBITMQ_URL=rabbitmq_url
    )
    way = ("03", "rabbitmq", "--name", name)
    with demo(*way, "--kill-after", "2", RABBITMQ_URL=rabbitmq_url) as first:
        handled, _ = first.communicate(timeout=60)
    assert first.returncode == -signal.SIGKILL
    assert len(handled.splitlines()) == 2
    with demo(*way, "--count", "2", RABBITMQ_URL=rabbitmq_url) as second:
        again, _ = second.communicate(timeout=60)
    assert again.splitlines()[0].partition(": ")[2] == handled.splitlines()[1].partition(": ")[2]
    assert len(again.splitlines()) == 2
