"""Run one server of the demos: `python -m grader.services.demo.daemon NAME ...`.

Started by `grader services up`, which hears over a pipe when the server answers or why it does
not. It ends on SIGTERM and takes everything with it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.errors import ServiceError
from grader.host.identity import Identity, adopt_orphans, reap_orphans
from grader.host.ports import is_free
from grader.services.rabbitmq.choice import first_that_starts, read
from grader.services.rabbitmq.node import Login

Details = dict[str, str | int]
"""What else there is to know of a running server: a `note` for people, and more."""


@contextmanager
def redis(port: int, _: str) -> Iterator[Details]:
    """Redis by fakeredis over TCP: the data live in this process and end with it."""
    from fakeredis import TcpFakeServer  # noqa: PLC0415 - each server imports its own

    server = TcpFakeServer(("127.0.0.1", port), server_type="redis")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"note": "fakeredis, in memory"}


@contextmanager
def sqs(port: int, _: str) -> Iterator[Details]:
    """SQS by moto's server, made as ThreadedMotoServer does, which hides a failure to bind."""
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - as above
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415 - as above

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"note": "moto, in memory; region us-east-1, credentials test/test"}


@contextmanager
def rabbitmq(port: int, choices: str) -> Iterator[Details]:
    """The first of `choices` that starts; login guest/guest."""
    ui = 15672
    node = first_that_starts(
        read(choices), Login("guest", "guest"), port=port, management_port=ui if is_free(ui) else 0
    )
    adopt_orphans()
    try:
        node.wait()
        threading.Thread(target=_end_with, args=(node.join,), daemon=True).start()
        ui = node.management_port
        yield {"note": f"guest/guest, management UI http://localhost:{ui}", "management_port": ui}
    finally:
        node.stop()
        reap_orphans(2)


def _end_with(join: Callable[[], None]) -> None:
    """End this process when the node ends."""
    join()
    os.kill(os.getpid(), signal.SIGTERM)


SERVERS = {"redis": redis, "rabbitmq": rabbitmq, "sqs": sqs}


def main() -> None:
    """Arguments: name, port, what the server needs, state file, descriptor to answer on."""
    name, port, extra, state, answer = sys.argv[1:]
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)  # for every thread: sigwait takes them
    record = Path(state)
    try:
        with (
            SERVERS[name](int(port), extra) as details,
            os.fdopen(int(answer), "w", encoding="utf-8") as line,
        ):
            me = Identity.of(os.getpid())
            text = json.dumps({"pid": me.pid, "started": me.started, **details})
            fresh = record.with_suffix(f".{me.pid}")
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(record)
            line.write(text)
            line.close()
            signal.sigwait(ending)
            record.unlink(missing_ok=True)
    except (ServiceError, OSError) as error:
        problem = error.args[0] if isinstance(error, ServiceError) else str(error)
        answered = {"error": problem, "help": getattr(error, "help", "")}
        with contextlib.suppress(OSError):
            os.write(int(answer), json.dumps(answered).encode())
        os._exit(1)
    # The servers' threads take half a second to stop; the end of the process stops them too.
    os._exit(0)


if __name__ == "__main__":
    main()
