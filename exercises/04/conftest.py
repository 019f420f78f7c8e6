"""Fixtures of exercise 04: moto answers in this process instead of AWS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give a boto3 client; what it talks to is empty in each test, and never AWS."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1")


@pytest.fixture
def receives(sqs: Any) -> list[dict[str, Any]]:
    """Record what each receive of the client asked for, in order: boto3 tells us before it asks."""
    asked: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: object) -> None:
        asked.append(params)

    sqs.meta.events.register("provide-client-params.sqs.ReceiveMessage", note)
    return asked
