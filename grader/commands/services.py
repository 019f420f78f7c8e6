"""`grader services`: the servers of the lessons' demos, without Docker."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from grader.commands.options import service_names
from grader.course import find_root
from grader.errors import GraderError
from grader.host.ports import holder, is_free
from grader.services.catalog import service_kind, service_kinds
from grader.services.demo import servers

ALL_RUN, NOT_ALL, UNDONE = 0, 1, 2
"""Exit codes: every server asked for runs; one does not; something could not be done."""

DEMO_FILES = ("taxi_events.jsonl", "trips.jsonl", "trips.jsonl.offset")
"""What the lessons' demos write, in the folder from which they are run."""


def _known(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return what course.toml calls the kinds whose names were typed."""
    by_name = {kind.name: name for name in service_names() for kind in service_kinds([name])}
    for name in names:
        if name not in by_name:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(by_name)}.")
    return tuple(by_name[name] for name in names)


_names = click.argument("names", nargs=-1, callback=_known)


@click.group()
def services() -> None:
    """Start and stop what the demos talk to: Redis, RabbitMQ, SQS, Kafka, on this machine alone.

    They listen on the lessons' ports of 127.0.0.1: redis 6379, rabbitmq 5672, sqs 4566, kafka 9092.
    Redis and RabbitMQ are private servers, or containers where Docker runs; SQS is a stand-in, and
    so is Redis where neither is there; Kafka is the mock cluster that its client brings.
    """


@services.command()
@_names
@click.option("--foreground", is_flag=True, help="Stay, and stop the servers on Ctrl-C.")
def up(names: tuple[str, ...], foreground: bool) -> None:
    """Start servers in the background; without NAMES all. Returns when they answer."""
    names = names or service_names()
    ours = [name for name in names if servers.status(name).process is None]
    problems = 0
    try:
        # Closed before anything is stopped: it holds the lock of the servers.
        with contextlib.closing(servers.start(names)) as starting:
            for started in starting:
                if started.problem is not None or started.was_running:
                    ours = [name for name in ours if service_kind(name) != started.server.kind]
                if started.problem is not None:
                    problems += 1
                    click.echo(f"grader: {started.problem}", err=True)
                    continue
                server = started.server
                verb = "runs already" if started.was_running else "runs"
                click.echo(f"{server.name} {verb}: {server.url}\n  {server.note}")
        if foreground and ours:
            _wait_for_the_end("Ctrl-C stops " + ", ".join(k.name for k in service_kinds(ours)))
    finally:
        if foreground:
            for name in filter(servers.stop, ours):
                click.echo(f"{service_kind(name).name} stopped")
    sys.exit(UNDONE if problems else ALL_RUN)


@services.command()
@_names
def down(names: tuple[str, ...]) -> None:
    """Stop servers; without NAMES all of them, and the demos' files are removed too."""
    for name in names or service_names():
        stopped = servers.stop(name)
        click.echo(f"{service_kind(name).name} {'stopped' if stopped else 'was not running'}")
    if not names:
        for file in _demo_files():
            file.unlink()
            click.echo(f"{file.name} removed")


@services.command()
def status() -> None:
    """Show what runs. Exit code 1 when one of them does not."""
    table = Table(box=None, pad_edge=False)
    for heading in ("service", "state", "address", "pid"):
        table.add_column(heading)
    seen = [servers.status(name) for name in service_names()]
    for server in seen:
        if server.process is not None:
            table.add_row(server.name, "running", server.url, str(server.process.pid))
        elif is_free(server.kind.port):
            table.add_row(server.name, "stopped", "", "")
        else:
            table.add_row(server.name, f"not ours: {holder(server.kind.port)}", server.url, "")
    Console().print(table)
    sys.exit(NOT_ALL if any(server.process is None for server in seen) else ALL_RUN)


def _wait_for_the_end(sentence: str) -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    click.echo(sentence)  # only now: who reads it may press Ctrl-C at once
    ended.wait()


def _demo_files() -> list[Path]:
    """Return the demos' files that are there, in the working directory and the course's root."""
    folders = {Path.cwd()}
    with contextlib.suppress(GraderError):  # outside a course
        folders.add(find_root(Path.cwd()))
    files = (folder / name for folder in sorted(folders) for name in DEMO_FILES)
    return [file for file in files if file.is_file() and not file.is_symlink()]
