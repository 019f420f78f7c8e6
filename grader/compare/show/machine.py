"""Where a comparison was measured."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from grader.compare.result import Machine

_PACKAGES = ("redis", "pika", "boto3", "fakeredis", "moto")


def this_machine() -> Machine:
    """Return this one, with the versions that its numbers depend on."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages={name: version(name) for name in _PACKAGES},
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
