"""Results for other programs: JUnit XML for CI, and Gradescope's results.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from grader.graded import Graded
from grader.report import CheckResult, Outcome, Report
from grader.reports.safe import plain, xml

_STATUS = {Outcome.PASSED: "passed", Outcome.FAILED: "failed"}


def junit_xml(graded: Iterable[Graded]) -> Iterator[str]:
    """A test suite for each submission, a test case for each check."""
    yield '<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n'
    for one in graded:
        yield ET.tostring(_suite(one), encoding="unicode") + "\n"
    yield "</testsuites>\n"


def gradescope_json(report: Report) -> str:
    """One submission's results.json. Source: Gradescope's autograder specification."""
    provisional = report.provisional
    document = {
        "score": 0 if provisional else report.final_score,
        "max_score": report.max_score,
        "visibility": "visible",
        "output": "PROVISIONAL: not every check could be decided; this is not a grade yet."
        if provisional
        else "",
        "extra_data": {"provisional": provisional, "seed": report.seed},
        "tests": [_test(check) for check in report.checks],
    }
    return json.dumps(document, indent=1) + "\n"


def _test(check: CheckResult) -> dict[str, object]:
    lines = [plain(check.message), f"Hint: {check.hint}" if check.hint else ""]
    return {
        "number": check.id,
        "name": check.title,
        "score": check.score,
        "max_score": check.points,
        "status": _STATUS.get(check.outcome, "failed"),
        "output": "\n".join(filter(None, lines)),
        "output_format": "text",
    }


def _suite(one: Graded) -> ET.Element:
    report = one.report
    outcomes = [check.outcome for check in report.checks]
    suite = ET.Element(
        "testsuite",
        name=xml(f"{report.student} {report.exercise}"),
        tests=str(len(outcomes)),
        failures=str(outcomes.count(Outcome.FAILED)),
        errors=str(outcomes.count(Outcome.ERROR)),
        skipped=str(outcomes.count(Outcome.SKIPPED) + outcomes.count(Outcome.NOT_GRADED)),
        time=f"{sum(check.seconds for check in report.checks):.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("provisional", str(one.grade is None).lower()),
        ("score", f"{one.final:g}"),
        ("max_score", f"{report.max_score:g}"),
        ("seed", str(report.seed)),
    ):
        ET.SubElement(properties, "property", name=name, value=value)
    for check in report.checks:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=check.id,
            name=xml(check.title),
            time=f"{check.seconds:.3f}",
        )
        kind = {
            Outcome.FAILED: "failure",
            Outcome.ERROR: "error",
            Outcome.SKIPPED: "skipped",
            Outcome.NOT_GRADED: "skipped",
        }.get(check.outcome)
        if kind:
            ET.SubElement(case, kind, message=xml(check.message))
    return suite
