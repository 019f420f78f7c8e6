"""Amazon SQS as a kind of service."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from grader.services.kind import Call, Details, ServiceFactory, ServiceKind


class SqsKind(ServiceKind):
    """moto's SQS, in the process that needs it."""

    name: ClassVar[str] = "sqs"
    title: ClassVar[str] = "SQS"
    port: ClassVar[int] = 4566
    scheme: ClassVar[str] = "http"
    clients: ClassVar[tuple[str, ...]] = ("boto3",)
    stand_in: ClassVar[str] = "moto"
    # The first client reads the service's description, 76 ms; later ones find it cached.
    first_call: ClassVar[Call | None] = Call(
        "boto3",
        "client",
        ["sqs"],
        {"region_name": "us-east-1", "aws_access_key_id": "-", "aws_secret_access_key": "-"},
    )

    @contextmanager
    def prepare(self) -> Iterator[ServiceFactory]:
        """Import the service, and read SQS's description once for all processes."""
        from grader.services.sqs.service import SqsService, warm  # noqa: PLC0415 - imports moto

        warm()
        yield SqsService

    def look(self) -> str:
        """Say that moto is used."""
        return "a run uses moto"

    @contextmanager
    def demo(self, port: int, order: str) -> Iterator[Details]:  # noqa: ARG002 - the base class's
        """Serve moto's server, made as ThreadedMotoServer does, which hides a failure to bind."""
        from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - each server imports its own
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
        from werkzeug.serving import make_server  # noqa: PLC0415 - as above

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = DomainDispatcherApplication(create_backend_app)
        handler = MotoRequestHandler
        server = make_server("127.0.0.1", port, app, threaded=True, request_handler=handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"note": "moto, in memory; region us-east-1, credentials test/test"}
