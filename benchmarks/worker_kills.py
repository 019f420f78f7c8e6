"""Grading by workers while workers, broker and controller are killed at random moments.

`python -m benchmarks.worker_kills ROOT`: ROOT is a course with hidden suites and a folder `subs` of
submissions. The reports have to equal those of an undisturbed run, row for row.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from grader.errors import ServiceError
from grader.host.standard_streams import printable
from grader.services.rabbitmq.choice import installed_server
from grader.services.rabbitmq.node import Login
from grader.services.rabbitmq.private import PrivateNode

SEED = 1
_CLEAN = (-9, -15, 0, 2)
"""How a worker may end here: killed, or because what it needs was."""


class LocalBroker:
    """A private node, and the address by which workers reach it."""

    def __init__(self) -> None:
        script = installed_server()
        if script is None:
            raise ServiceError("rabbitmq-server is not installed")
        self._login = Login.random()
        self.node = PrivateNode(script, self._login)
        self.node.wait()

    def url(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Return the address, with user and password."""
        login = self._login
        return f"amqp://{login.username}:{login.password}@{host}:{port or self.node.port}//"


def start_worker(root: Path, url: str, jobs: int, *before: str) -> subprocess.Popen[bytes]:
    """Start a worker; `before` is what its command begins with."""
    return subprocess.Popen(
        [*before, sys.executable, "-m", "grader", "worker", "-j", str(jobs)],
        cwd=root,
        env=os.environ | {"GRADER_BROKER": url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def start_controller(root: Path, url: str, subs: Path, out: Path) -> subprocess.Popen[bytes]:
    """Start a run that workers grade."""
    words = ["grade", str(subs), "--out", str(out), "--no-gradebook", "--no-details"]
    return subprocess.Popen(
        [sys.executable, "-m", "grader", *words, "--seed", str(SEED)],
        cwd=root,
        env=os.environ | {"GRADER_BROKER": url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def reports(out: Path) -> dict[str, Any]:
    """Return what is kept of each submission, without what only tells how long something took."""
    found = {}
    for path in sorted(out.glob("reports/*/*.json")):
        report = json.loads(path.read_text())
        for row in report["checks"]:
            row["seconds"] = row["log"] = None
        report["judge_cpu_seconds"] = report["judge_memory_mb"] = None
        found[f"{path.parent.name}/{path.stem}"] = report
    return found


class _Crowd:
    """Two workers and a controller that are started again whenever they ended."""

    def __init__(self, start: dict[str, Callable[[], subprocess.Popen[bytes]]]) -> None:
        self._start = start
        self._processes = {name: begin() for name, begin in start.items()}
        self.done = threading.Event()
        self.strange: list[str] = []

    def kill(self, name: str) -> None:
        self._processes[name].kill()

    def mend(self) -> None:
        """Start again what ended."""
        for name, process in self._processes.items():
            code = process.poll()
            if code is None:
                continue
            if name == "controller" and code in (0, 1, 2):
                self.done.set()
                return
            if name != "controller" and code not in _CLEAN:
                self.strange.append(f"{name} ended with {code}")
            self._processes[name] = self._start[name]()

    def stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait()


def differences(root: Path, workers: int, brokers: int, controllers: int) -> list[str]:
    """Kill so many of each while the class is graded; name each row that came out otherwise."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        calm, disturbed = folder / "calm", folder / "disturbed"
        words = ["grade", "subs", "--out", str(calm), "--no-gradebook", "--no-details"]
        start = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "grader", *words, "--seed", str(SEED), "-j", "2"],
            cwd=root,
            check=False,
            capture_output=True,
        )
        total = len(reports(calm))
        print(f"undisturbed: {total} in {time.monotonic() - start:.0f} s", flush=True)
        broker = LocalBroker()
        url = broker.url()
        kills = ["worker"] * workers + ["broker"] * brokers + ["controller"] * controllers
        random.shuffle(kills)
        crowd = _Crowd(
            {
                "worker 1": lambda: start_worker(root, url, 1),
                "worker 2": lambda: start_worker(root, url, 1),
                "controller": lambda: start_controller(root, url, root / "subs", disturbed),
            }
        )
        try:
            _disturb(crowd, broker, kills, disturbed, total)
        finally:
            crowd.stop()
            broker.node.stop()
        found, wanted = reports(disturbed), reports(calm)
        left = [*crowd.strange, *(f"{len(kills)} kills were not made" for _ in kills[:1])]
        wrong = [key for key in sorted({*wanted, *found}) if wanted.get(key) != found.get(key)]
        shutil.rmtree(disturbed, ignore_errors=True)
        return left + wrong


def _disturb(crowd: _Crowd, broker: LocalBroker, kills: list[str], out: Path, total: int) -> None:
    """Kill one after the other, spread over the run by how much of it is done."""
    count = len(kills)
    while not crowd.done.is_set():
        done = len(list(out.glob("reports/*/*.json")))
        due = count - len(kills)
        # The first when a few are done, the last well before the end.
        if kills and done >= 3 + due * (0.9 * total / count):
            what = kills.pop()
            time.sleep(random.uniform(0, 1))  # noqa: S311 - no secret
            print(f"{done} of {total} done, {what} killed", flush=True)
            if what == "broker":
                broker.node.kill()
                broker.node.start_again()
                while not broker.node.ready():
                    time.sleep(0.1)
            else:
                crowd.kill(what if what == "controller" else f"worker {1 + len(kills) % 2}")
        crowd.mend()
        time.sleep(0.1)


@click.command()
@click.argument("root", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--workers", default=20, show_default=True, help="SIGKILLs of workers.")
@click.option("--brokers", default=5, show_default=True, help="SIGKILLs of the broker.")
@click.option("--controllers", default=5, show_default=True, help="SIGKILLs of the controller.")
def main(root: Path, workers: int, brokers: int, controllers: int) -> None:
    """Grade ROOT/subs by workers under kills, and compare with an undisturbed run."""
    with printable():
        wrong = differences(root.resolve(), workers, brokers, controllers)
        for each in wrong:
            print(f"✗ {each}")
        print("every row as without kills" if not wrong else f"{len(wrong)} rows are not")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
