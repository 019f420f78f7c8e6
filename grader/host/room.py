"""Room that a machine must have before anything is graded: disk and descriptors."""

from __future__ import annotations

import shutil

from grader.errors import GraderError

LEAST_FREE = 64 << 20
"""Bytes free in the temporary folder: files of a few submissions, and a private RabbitMQ's."""
LEAST_DESCRIPTORS = 256
"""Open files of one process: RabbitMQ does not start with 96."""


def require_room(*folders: str) -> None:
    """Find out whether there is room to grade in.

    In the middle of a run, a full disk or a process without descriptors costs whole checks.

    Args:
        folders: in which temporary files will lie.

    Raises:
        GraderError: there is not.
    """
    for folder in folders:
        free = shutil.disk_usage(folder).free
        if free < LEAST_FREE:
            raise GraderError(
                f"{folder} has {free >> 20} MB free, and grading needs {LEAST_FREE >> 20}",
                "Free some, or have temporary files elsewhere: `TMPDIR=FOLDER grader ...`.",
            )
    most = _most_descriptors()
    if most is not None and most < LEAST_DESCRIPTORS:
        raise GraderError(
            f"a process may open {most} files here, and grading needs {LEAST_DESCRIPTORS}",
            f"Raise the limit: `ulimit -n {LEAST_DESCRIPTORS}`, "
            "or LimitNOFILE= where systemd starts the grader.",
        )


def _most_descriptors() -> int | None:
    """Return how many a process may be given; None where nobody limits it."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return None if hard == resource.RLIM_INFINITY else hard
