"""The docker command."""

from __future__ import annotations

import subprocess

ANSWER_SECONDS = 5
"""For what an engine knows at once. It may hang, and every command that grades asks it."""
_SECONDS = 60


def docker(*arguments: str, seconds: float = _SECONDS) -> str | None:
    """Return what docker prints, or None where it fails, or takes too long."""
    done = run_docker(*arguments, seconds=seconds)
    return None if done is None or done.returncode else done.stdout.decode(errors="replace")


def run_docker(
    *arguments: str, seconds: float = _SECONDS, given: bytes = b""
) -> subprocess.CompletedProcess[bytes] | None:
    """Run docker to its end; return None where it cannot be run, or takes too long.

    Args:
        arguments: of the command.
        seconds: how long it may take.
        given: its standard input.
    """
    try:
        return subprocess.run(  # noqa: S603 - our own command
            ["docker", *arguments],  # noqa: S607 - wherever docker is
            input=given,
            capture_output=True,
            check=False,
            timeout=seconds,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
