"""`grader doctor`."""

from __future__ import annotations

import sys

import click

from grader.commands import options
from grader.host.standard_streams import write_data


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Look at this machine: what works, what is missing, and what mends it.

    Exit codes: 0 nothing is missing, 1 something is.
    """
    from grader.doctor import diagnose, print_diagnosis  # noqa: PLC0415 - looks at much

    students = options.is_students_copy()
    diagnosis = diagnose(options.service_names(), grading=not students)
    if as_json:
        write_data(diagnosis.model_dump_json(indent=2) + "\n")
    else:
        print_diagnosis(diagnosis, options.console())
    sys.exit(0 if diagnosis.well else 1)
