"""A mock cluster as a process of its own: `python -m grader.services.kafka.process ...`.

It reads a line of JSON for each order and answers with one; it ends with its standard input, so
that it outlives nobody who started it, however that one ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from grader.services.kafka.confined import confine
from grader.services.kafka.library import load_library
from grader.services.kafka.mock import MockCluster, MockError
from grader.services.kafka.onlooker import ExcessError, OnlookerError, UnreadableError
from grader.services.kafka.orders import Orders

try:
    import resource  # at the start: the user that it becomes may not read the library's files
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]

CPU_SECONDS, ADDRESS_SPACE = 30, 1 << 30
"""Of a submission's cluster."""
_OPEN_FILES = 512


def main() -> None:
    """Arguments: the library; the user to become, or -1; whether a submission is to be bounded."""
    path, user, bounded = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "bounded"
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    try:
        library = load_library(path)  # before the change of user, who may not read it
        if user >= 0:
            _become(user)
        if bounded:
            _limit()
            confine()  # before there are other threads
        cluster = MockCluster(library)
    except (MockError, OSError, AttributeError) as error:
        _say(answers, {"error": str(error)})
        os._exit(1)
    _say(answers, {"port": cluster.port, "version": cluster.version})
    orders = Orders(cluster)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            _say(answers, {"done": orders.known[name](*arguments)})
        except (MockError, OnlookerError) as error:
            kinds = {"excess": ExcessError, "unreadable": UnreadableError}
            why = {name: True for name, kind in kinds.items() if isinstance(error, kind)}
            _say(answers, {"error": str(error), **why})
    os._exit(0)  # its threads take a moment to stop


def _say(answers: Any, what: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(what), file=answers, flush=True)


def _become(user: int) -> None:
    """Become a user who owns nothing; a container may have few."""
    for one in (user, 65534):
        try:
            os.setgroups([])
            os.setgid(one)
            os.setuid(one)
        except OSError:
            continue
        return


def _limit() -> None:
    """Bound what the process may use: a few bytes may make it keep or compute much."""
    if resource is None:
        return
    # The kernel says SIGXCPU at the first limit, and SIGKILL at the second.
    bounds = [
        (resource.RLIMIT_CPU, CPU_SECONDS, CPU_SECONDS + 2),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES),
    ]
    if sys.platform == "linux":  # macOS refuses it
        bounds.append((resource.RLIMIT_AS, ADDRESS_SPACE, ADDRESS_SPACE))
    for number, *most in bounds:
        hard = resource.getrlimit(number)[1]
        soft, last = (each if hard == resource.RLIM_INFINITY else min(each, hard) for each in most)
        resource.setrlimit(number, (soft, last))


if __name__ == "__main__":
    main()
