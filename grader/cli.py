"""The command line: finds a command, and turns errors into one line and exit code 2."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import click

from grader.errors import GraderError
from grader.host.interrupts import ended_by_sigterm
from grader.host.standard_streams import file_names, printable

UNDONE = 2
"""Exit code where something could not be done; 0 and 1 are the commands' own."""

_LEARNING = (
    "check",
    "watch",
    "hint",
    "status",
    "replay",
    "reset",
    "services",
    "compare",
    "doctor",
)
"""In the order in which a learner meets them."""
_TEACHING = (
    "export",
    "extend",
    "grade",
    "gradebook",
    "gradescope",
    "intake",
    "new",
    "notebooks",
    "release",
    "report",
    "summary",
    "validate",
    "worker",
)
# The servers need processes that only Unix has.
_UNIX_COMMANDS = ("compare", "services", "watch", "worker")


class _Group(click.Group):
    """Imports a command when it is called; shows a GraderError as one line.

    A traceback is for bugs of ours.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        unix = hasattr(os, "fork")
        return [name for name in (*_LEARNING, *_TEACHING) if unix or name not in _UNIX_COMMANDS]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the learner's commands first; a students' copy has no others to show."""
        from grader.commands.options import is_students_copy  # noqa: PLC0415 - reads the course

        names = self.list_commands(ctx)
        sections = {"To learn": _LEARNING} | ({} if is_students_copy() else {"To teach": _TEACHING})
        for title, some in sections.items():
            found = [(n, c) for n in names if n in some and (c := self.get_command(ctx, n))]
            with formatter.section(title):
                formatter.write_dl([(name, each.get_short_help_str(200)) for name, each in found])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            if cmd_name in _UNIX_COMMANDS:
                raise GraderError(
                    f"`grader {cmd_name}` needs Linux or macOS", "On Windows, use WSL 2."
                )
            return None
        found: click.Command = getattr(import_module(f"grader.commands.{cmd_name}"), cmd_name)
        return found

    def main(self, *args: Any, **kwargs: Any) -> Any:
        with printable():
            return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with ended_by_sigterm(), file_names():
                return super().invoke(ctx)
        except GraderError as error:
            click.echo(f"grader: {error}", err=True)
            ctx.exit(UNDONE)
        except KeyboardInterrupt:
            click.echo("grader: stopped", err=True)
            ctx.exit(130)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="stream-course")
def main() -> None:
    """Check your own work; where the hidden suites are, grade a class, too.

    Exit codes: 0 all full marks, 1 something failed, 2 could not be done.
    """


if __name__ == "__main__":
    main()
