"""Fixtures of exercise 04: moto answers in this process instead of AWS."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

SECONDS = 10


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """End a test that hangs; on Windows, which has no such alarm, press Ctrl-C."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def give_up(*_: object) -> None:
        pytest.fail(f"your function was still running after {SECONDS} s. What ends its loop?")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A boto3 client; what it talks to is empty in each test, and never AWS."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1")


@pytest.fixture
def receives(sqs: Any) -> list[dict[str, Any]]:
    """What each receive of the client asked for, in order: boto3 tells us before it asks."""
    asked: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: object) -> None:
        asked.append(params)

    sqs.meta.events.register("provide-client-params.sqs.ReceiveMessage", note)
    return asked
