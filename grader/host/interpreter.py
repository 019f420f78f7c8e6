"""Start code of the package `worker` in an interpreter that has nothing else of the grader's."""

from __future__ import annotations

from pathlib import Path

from grader import worker

WORKER = Path(worker.__file__).parent
"""The package's folder on this machine."""


def worker_code(module: str, folder: str) -> str:
    """Return Python code that calls `main()` of a module of the package `worker`.

    The package's own folder is named, not the one around it: what lies beside it is not importable.

    Args:
        module: its name in the package.
        folder: where the package lies, as the new process sees it.
    """
    return (
        "import sys, types; package = types.ModuleType('worker'); "
        f"package.__path__ = [{folder!r}]; sys.modules['worker'] = package; "
        f"from worker.{module} import main; main()"
    )
