"""RabbitMQ as a kind of service."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import ClassVar

from grader.services.kind import Details, ServiceFactory, ServiceKind

_MANAGEMENT_PORT = 15672
"""Where the lessons find the management page."""


class RabbitMQKind(ServiceKind):
    """A broker of the machine's: RABBITMQ_URL, a container, or an installed server."""

    name: ClassVar[str] = "rabbitmq"
    title: ClassVar[str] = "RabbitMQ"
    port: ClassVar[int] = 5672
    scheme: ClassVar[str] = "amqp"
    clients: ClassVar[tuple[str, ...]] = ("pika",)
    stand_in: ClassVar[str] = "pika"
    packages: ClassVar[tuple[str, ...]] = ("rabbitmq-server",)

    @contextmanager
    def prepare(self) -> Iterator[ServiceFactory]:
        """Begin to start the run's broker, in which each submission has a virtual host."""
        # pika's import is not for a run that needs no broker.
        from grader.services.rabbitmq.broker import run_broker  # noqa: PLC0415
        from grader.services.rabbitmq.service import RabbitMQService  # noqa: PLC0415

        with run_broker() as broker:
            yield partial(RabbitMQService, broker)

    def look(self) -> str:
        """Say which broker a run would use, found by trying."""
        from grader.services.rabbitmq.choice import find_rabbitmq  # noqa: PLC0415 - as above
        from grader.services.rabbitmq.docker import require_image  # noqa: PLC0415 - as above

        found = find_rabbitmq(get_image=require_image)
        because = f", since {'; '.join(found.passed_over)}" if found.passed_over else ""
        return f"a run uses {found.in_words.rstrip(',')}{because}"

    def demo_order(self) -> str:
        """Choose what to start, and remove what killed commands left of containers."""
        from grader.services.docker_engine import sweep_containers  # noqa: PLC0415 - as above
        from grader.services.rabbitmq.choice import find_rabbitmq, written  # noqa: PLC0415 - as above

        found = find_rabbitmq(own_broker=False)
        sweep_containers()
        return written(found.to_start)

    @contextmanager
    def demo(self, port: int, order: str) -> Iterator[Details]:
        """Serve the first of `order` that starts; login guest/guest."""
        from grader.host.identity import adopt_orphans, reap_orphans  # noqa: PLC0415 - Unix only
        from grader.host.ports import is_free  # noqa: PLC0415 - as above
        from grader.services.rabbitmq.choice import first_that_starts, read  # noqa: PLC0415 - as above
        from grader.services.rabbitmq.node import Login  # noqa: PLC0415 - as above

        node = first_that_starts(
            read(order),
            Login("guest", "guest"),
            port=port,
            management_port=_MANAGEMENT_PORT if is_free(_MANAGEMENT_PORT) else 0,
        )
        adopt_orphans()
        try:
            node.wait()
            threading.Thread(target=_end_with, args=(node.join,), daemon=True).start()
            ui = node.management_port
            note = f"guest/guest, management UI http://localhost:{ui}"
            yield {"note": note, "management_port": ui}
        finally:
            node.stop()
            reap_orphans(2)

    def sweep(self) -> None:
        """Remove the nodes of killed supervisors."""
        from grader.services.rabbitmq.private import sweep_nodes  # noqa: PLC0415 - Unix only

        sweep_nodes()


def _end_with(join: Callable[[], None]) -> None:
    """End this process when the node ends."""
    join()
    os.kill(os.getpid(), signal.SIGTERM)
