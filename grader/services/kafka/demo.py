"""The cluster of the demos: on the lessons' port, with the lessons' topic."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.services.kafka.front import OF_A_DEMO, KafkaFront
from grader.services.kafka.private import PrivateCluster
from grader.services.kind import Details

TOPIC, PARTITIONS = "taxi_events", 3


@contextmanager
def serve(library: Path, port: int) -> Iterator[Details]:
    """Serve whoever comes to `port` of 127.0.0.1; ends this process when the cluster ends.

    Args:
        library: what `find_library` returned.
        port: it is free.

    Raises:
        ServiceError: the cluster does not start.
    """
    cluster = PrivateCluster(library, bounded=False)
    cluster.start()
    try:
        cluster.tell("create", TOPIC, PARTITIONS)
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
        front = KafkaFront(listener, cluster.connect, port, bounds=OF_A_DEMO)
        try:
            threading.Thread(target=_end_with, args=(cluster.join,), daemon=True).start()
            yield {
                "note": f"the mock cluster of librdkafka {cluster.version}, in memory; "
                f"{TOPIC} has {PARTITIONS} partitions"
            }
        finally:
            front.close()
    finally:
        cluster.stop()


def _end_with(join: Callable[[], None]) -> None:
    """End this process when the cluster ends."""
    join()
    os.kill(os.getpid(), signal.SIGTERM)
