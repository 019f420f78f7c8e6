"""Run one server of the demos: `python -m grader.services.demo.daemon NAME ...`.

Started by `grader services up`, which hears over a pipe when the server answers or why it does
not. It ends on SIGTERM and takes everything with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from grader.errors import ServiceError
from grader.host.identity import Identity
from grader.services.catalog import service_kind


def main() -> None:
    """Arguments: kind, its folder, port, its order, state file, descriptor to answer on."""
    name, folder, port, order, state, answer = sys.argv[1:]
    sys.path.append(folder)
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)  # for every thread: sigwait takes them
    record = Path(state)
    try:
        with (
            service_kind(name).demo(int(port), order) as details,
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
