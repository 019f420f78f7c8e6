"""SQS: the one of SQS_ENDPOINT_URL when real servers are asked for, since it costs; or moto."""

from __future__ import annotations

from importlib.metadata import version
from typing import ClassVar
from urllib.parse import urlsplit

from grader.compare.servers.child import start_child
from grader.compare.servers.server import Server
from grader.compare.techniques.sqs import sqs_client


class SqsServer(Server):
    """moto in a process of its own."""

    variable: ClassVar[str] = "SQS_ENDPOINT_URL"

    def start(self) -> None:
        """Start moto."""
        self.url = f"http://127.0.0.1:{start_child(self.stack, self.service).port}"
        self.behind = f"simulated: moto {version('moto')}"

    def describe(self) -> str:
        """Ask for its queues: it has no version."""
        sqs_client(self.url).list_queues()
        return f"SQS at {urlsplit(self.url).netloc}"
