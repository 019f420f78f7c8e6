"""Results for other programs: JUnit XML for CI, and Gradescope's results.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from xml.etree import ElementTree as ET

from grader.gradebook.graded import Graded
from grader.report import UNDECIDED, CheckResult, Outcome, Report
from grader.reports.safe import plain, xml


def junit_xml(graded: Iterable[Graded]) -> Iterator[str]:
    """Yield a test suite for each submission, a test case for each check.

    Its `score` is what goes into a gradebook, after `penalty`; so is that of `gradescope_json`.
    """
    yield '<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n'
    for one in graded:
        yield ET.tostring(_suite(one), encoding="unicode") + "\n"
    yield "</testsuites>\n"


def gradescope_json(reports: Sequence[Report]) -> str:
    """Return one submission's results.json; several exercises may belong to one assignment.

    Source: Gradescope's autograder specification. It has no way to withhold a score, so a
    provisional result has 0, says so, and marks no undecided check as failed.
    """
    reasons = sorted({report.provisional_because for report in reports if report.provisional})
    provisional = bool(reasons)
    document = {
        "score": 0 if provisional else sum(report.final_score for report in reports),
        "execution_time": round(sum(c.seconds for report in reports for c in report.checks)),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "output": f"PROVISIONAL: {', '.join(reasons)}; this is not a grade yet."
        if provisional
        else "",
        "output_format": "text",
        "extra_data": {
            "provisional": provisional,
            "max_score": sum(report.max_score for report in reports),
            "penalty": sum(report.penalty for report in reports),
            "runs": [
                {"exercise": each.exercise, "seed": each.seed, "sandbox": each.sandbox}
                for each in reports
            ],
        },
        "tests": [_test(check) for report in reports for check in report.checks],
    }
    return json.dumps(document, indent=1) + "\n"


def _test(check: CheckResult) -> dict[str, object]:
    lines = [plain(check.message), f"Hint: {check.hint}" if check.hint else ""]
    found: dict[str, object] = {
        "number": check.id,
        "name": check.title,
        "max_score": check.points,
        "output": "\n".join(filter(None, lines)),
        "output_format": "text",
    }
    if check.outcome in UNDECIDED:
        return found | {"output": f"Not decided: {plain(check.message)}"}
    passed = check.outcome is Outcome.PASSED
    return found | {"score": check.score, "status": "passed" if passed else "failed"}


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
        ("penalty", f"{report.penalty:g}"),
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
            fault = ET.SubElement(case, kind, message=xml(check.message))
            if check.kind is not None:
                fault.set("type", check.kind)
    return suite
