"""Kafka as a kind of service."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import ClassVar, NoReturn

from grader.errors import ServiceError
from grader.services.kind import Details, ServiceFactory, ServiceKind


class KafkaKind(ServiceKind):
    """librdkafka's mock cluster, out of the client's wheel."""

    name: ClassVar[str] = "kafka"
    title: ClassVar[str] = "Kafka"
    port: ClassVar[int] = 9092
    scheme: ClassVar[str] = "kafka"
    clients: ClassVar[tuple[str, ...]] = ("confluent_kafka",)

    @contextmanager
    def prepare(self) -> Iterator[ServiceFactory]:
        """Find the library."""
        from grader.services.kafka.library import find_library  # noqa: PLC0415 - not for every command
        from grader.services.kafka.private import PrivateCluster  # noqa: PLC0415 - as above
        from grader.services.kafka.service import KafkaService  # noqa: PLC0415 - as above

        try:
            library = find_library()
        except ServiceError as error:
            yield partial(_missing, error)
        else:
            yield lambda: KafkaService(PrivateCluster(library))

    def look(self) -> str:
        """Say which client's library a run would use, and where demos go."""
        from grader.services.kafka.answering import SERVERS_VARIABLE, kafka_problem  # noqa: PLC0415 - as above
        from grader.services.kafka.library import find_library, in_words  # noqa: PLC0415 - as above

        find_library()
        said = f"a run uses the mock cluster of {in_words()}"
        if not (own := os.environ.get(SERVERS_VARIABLE)):
            return said
        where = f"{own}, which {SERVERS_VARIABLE} names"
        if problem := kafka_problem(own):
            raise ServiceError(
                f"{problem} at {where}", f"Start it, correct {SERVERS_VARIABLE}, or unset it."
            )
        return f"{said}; demos go to {where}"

    @contextmanager
    def demo(self, port: int, order: str) -> Iterator[Details]:
        """Serve a cluster with the topic of the lessons; its data end with it."""
        from grader.services.kafka.demo import serve  # noqa: PLC0415 - as above

        with serve(Path(order), port) as details:
            yield details

    def demo_order(self) -> str:
        """Return the library to serve from."""
        from grader.services.kafka.library import find_library  # noqa: PLC0415 - as above

        return str(find_library())


def _missing(error: ServiceError) -> NoReturn:
    """Raise it where a submission asks for its cluster: its checks are not graded."""
    raise error
