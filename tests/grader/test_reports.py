"""Pages about a class, with everything that came from a submission as hostile as can be."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from command_line import grader
from graded_class import graded, six
from tiny_course import MANIFEST

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.gradebook.graded import Graded
from grader.gradebook.results import Results
from grader.report import Kind
from grader.reports.class_page import class_html
from grader.reports.feedback import feedback_html, feedback_markdown
from grader.reports.safe import markdown, plain
from grader.reports.statistics import class_figures, correlation
from grader.reports.write import write_pages

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The tiny course: checks of 3, 5 and 2 points."""
    (tmp_path / "course.toml").write_text(MANIFEST)
    return load_course(tmp_path)


@pytest.fixture
def the_class(course: Course) -> list[Graded]:
    """Six submissions: one of an evil name and message, one provisional."""
    return six(course)


def test_no_html_of_a_submission_is_markup(the_class: list[Graded], course: Course) -> None:
    """In the class's page and in feedback; and the pages ask for nothing outside of them."""
    for page in (class_html(the_class, course), feedback_html(the_class[:1], course)):
        assert "alert(1)" in page
        assert "<script>alert" not in page
        assert "\x1b" not in page
        assert "\u202e" not in page
        assert "default-src 'none'" in page
        own = re.sub(
            r"<td>.*?</td>|<p.*?</p>|<li>.*?</li>|<title>.*?</title>", "", page, flags=re.DOTALL
        )
        assert not re.search(r"src\s*=|href\s*=\s*[\"'](?!#)|url\(|@import", own)


def test_no_markdown_of_a_submission_is_markup(the_class: list[Graded], course: Course) -> None:
    """No link, image, code, HTML or heading of a student's making."""
    text = feedback_markdown(the_class[:1], course)
    assert "<script" not in re.sub(r"\\<", "", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "\x1b" not in text
    assert markdown("# a\n`b`") == "\\# a \\`b\\`"


def test_feedback_says_a_thing_once(course: Course) -> None:
    """A file that cannot be imported fails every check, for one reason and with one hint."""
    one = graded(course, "ann", "fff", "doubling.py could not be imported")
    for text in (feedback_html([one], course), feedback_markdown([one], course)):
        assert text.count("could not be imported") == 1
        assert text.count("as for: the value is doubled") == 2
        assert text.count("Hint: ") == 1


def test_feedback_says_what_failed_and_nothing_of_others(
    the_class: list[Graded], course: Course
) -> None:
    """The sentence and the hint; no other student, no seed to repeat the hidden content with."""
    for text in (feedback_html([the_class[2]], course), feedback_markdown([the_class[2]], course)):
        assert "was seen" in text
        assert "One call an event" in text
        assert "ann" not in text.replace("cannot", "")
        assert "seed" not in text


def test_a_late_penalty_is_explained(the_class: list[Graded], course: Course) -> None:
    """How late, and what it cost."""
    late = {"late": timedelta(hours=36), "penalty": 2.0}
    one = Graded(the_class[1].report.model_copy(update=late), by_hand=False)
    page = re.sub(r"<[^>]+>", "", feedback_html([one], course))
    assert "8 of 10 points: 10, less 2 for being 1.5 days late." in page
    assert "**8 of 10 points**" in feedback_markdown([one], course)


def test_figures_of_a_class(the_class: list[Graded], course: Course) -> None:
    """Pass rates over what was decided, a histogram of grades, and who handed in the same files."""
    (figures,) = class_figures(the_class, course)
    rates = {check.id: (check.passed, check.decided) for check in figures.checks}
    assert rates == {"01.value": (5, 6), "01.each-event": (2, 5), "01.after-crash": (4, 6)}
    assert sum(figures.histogram) == 5, "of the six one is provisional"
    assert figures.histogram[9] == 2
    assert figures.twins == [["ann", "eve"]]


TEAMS = {
    "a team": (("alpha", "alpha"), []),
    "two teams": (("alpha", "beta"), [["ann", "eve"]]),
    "one of a team": (("alpha", ""), [["ann", "eve"]]),
}


@pytest.mark.parametrize("case", TEAMS)
def test_what_a_team_handed_in_is_one_submission(
    the_class: list[Graded], course: Course, case: str
) -> None:
    """Its members are marked as a team, and as identical only with somebody else."""
    teams, twins = TEAMS[case]
    some = [
        replace(one, report=one.report.model_copy(update={"team": team}))
        for one, team in zip((the_class[1], the_class[5]), teams, strict=True)
    ]
    (figures,) = class_figures(some, course)
    assert figures.twins == twins
    for row, team in zip(figures.rows, teams, strict=True):
        assert row.flags == [*["team"] * bool(team), *["identical"] * bool(twins)]


@pytest.mark.parametrize("kind", list(Kind))
def test_hostile_is_what_the_grader_says_not_what_it_quotes(course: Course, kind: Kind) -> None:
    """A student's own exception may hold any words: the mark goes by the kind."""
    said = "poll() sent a message of an unknown kind"
    (figures,) = class_figures([graded(course, "ann", "pff", said, kind)], course)
    hostile = kind in (Kind.ENDED_SANDBOX, Kind.FLOODED, Kind.FORGED)
    assert figures.rows[0].flags == (["hostile"] if hostile else [])


def test_a_check_that_separates_has_a_high_figure(course: Course) -> None:
    """Strong students pass it, weak ones do not; one that all pass has none."""
    one_class = [graded(course, f"s{n}", "ppp" if n % 2 else "pff") for n in range(10)]
    (figures,) = class_figures(one_class, course)
    found = [check.discrimination for check in figures.checks]
    assert found == [None, pytest.approx(1), pytest.approx(1)]
    assert figures.together == [("01.each-event", "01.after-crash", 5, pytest.approx(1))]


def test_who_did_not_try_says_nothing_of_the_checks(course: Course) -> None:
    """Ten stubs, and checks whose ground was missing, change neither figure; rates count them."""
    tried = [graded(course, f"s{n}", "ppp" if n % 2 else "pff") for n in range(10)]
    stubs = [graded(course, f"t{n}", "fff", "", Kind.NOT_FILLED_IN) for n in range(10)]
    without_ground = [graded(course, f"u{n}", "fss") for n in range(10)]
    (alone,) = class_figures(tried, course)
    (figures,) = class_figures(tried + stubs + without_ground, course)
    assert figures.together == alone.together
    assert [c.discrimination for c in figures.checks] == [c.discrimination for c in alone.checks]
    assert [(c.passed, c.decided) for c in figures.checks] == [(10, 30), (5, 30), (5, 30)]


def test_checks_that_hardly_fail_together_are_no_pair(course: Course) -> None:
    """Two of twenty fail both, as many as chance gives."""
    letters = ["pff"] * 2 + ["pfp"] * 6 + ["ppf"] * 4 + ["ppp"] * 12
    (figures,) = class_figures(
        [graded(course, f"s{n}", each) for n, each in enumerate(letters)], course
    )
    assert figures.together == []


def test_the_map_has_a_run_for_each_colour(course: Course) -> None:
    """Most points on top; of a check, students after one another with one outcome are one field."""
    letters = {"ann": "ppp", "bob": "pfp", "cy": "pfs", "dan": "pep", "eve": "ppp"}
    one_class = [graded(course, name, each) for name, each in letters.items()]
    one_class.append(graded(course, "fay", "fff", "", Kind.NOT_FILLED_IN))
    (figures,) = class_figures(one_class, course)
    assert [row.student for row in figures.map.rows] == ["ann", "eve", "bob", "dan", "cy", "fay"]
    assert figures.map.paths == {
        "passed": "M0.04 0h0.92v5h-0.92zM1.04 0h0.92v2h-0.92zM2.04 0h0.92v4h-0.92z",
        "failed": "M1.04 2h0.92v1h-0.92zM1.04 4h0.92v1h-0.92z",
        "not tried": "M0.04 5h0.92v1h-0.92zM1.04 5h0.92v1h-0.92zM2.04 4h0.92v2h-0.92z",
        "undecided": "M1.04 3h0.92v1h-0.92z",
    }


def test_correlation_is_pearsons() -> None:
    """Against values worked out by hand; none from too few."""
    assert correlation([1, 2, 3, 4, 5], [2, 4, 6, 8, 10]) == pytest.approx(1)
    assert correlation([1, 2, 3, 4, 5], [5, 3, 4, 1, 2]) == pytest.approx(-0.8)
    assert correlation([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]) is None
    assert correlation([1, 2], [1, 2]) is None


def test_plain_keeps_letters_and_lines() -> None:
    """Of every script; what steers is shown."""
    assert plain("Zoë 李\n\x07") == "Zoë 李\n\\u0007"


def save(course: Course, out: Path, the_class: list[Graded]) -> None:
    """Keep a class's reports as `grader grade --out` does."""
    for one in the_class:
        Results(out).save(one.report)


def test_the_commands_write_pages_and_exports(
    tmp_path: Path, course: Course, the_class: list[Graded]
) -> None:
    """`grader report` and `grader export`, on results that lie on disk."""
    save(course, tmp_path / "out", the_class)
    later = MANIFEST[MANIFEST.index("[[exercises]]") :].replace("01", "02")
    (tmp_path / "course.toml").write_text(MANIFEST + later.replace("Doubling", "Later"))
    done = grader(tmp_path, "report", "out")
    assert done.returncode == 0, done.stderr
    assert "<title>A tiny course" in (tmp_path / "out" / "class.html").read_text()
    assert len(list((tmp_path / "out" / "feedback").glob("*.html"))) == 6
    done = grader(tmp_path, "export", "out", "grades.csv", "--format", "csv")
    assert done.returncode == 0
    assert "1 submissions are provisional" in done.stderr
    assert len((tmp_path / "grades.csv").read_text().splitlines()) == 7
    for kind in ("canvas", "moodle"):
        done = grader(tmp_path, "export", "out", "--format", kind)
        assert "01 Doubling" in done.stdout
        assert "02 Later" not in done.stdout
    done = grader(tmp_path, "export", "out", "--format", "json")
    assert json.loads(done.stdout)["provisional"]
    done = grader(tmp_path, "export", "out", "scope", "--format", "gradescope")
    assert len(list((tmp_path / "scope").glob("*/01/results.json"))) == 6


def test_one_exercise_alone_is_exported(
    tmp_path: Path, course: Course, the_class: list[Graded]
) -> None:
    """In each format: who handed in another one early makes no zeros of the others."""
    out = tmp_path / "out"
    later = MANIFEST[MANIFEST.index("[[exercises]]") :].replace("01", "02")
    (tmp_path / "course.toml").write_text(MANIFEST + later.replace("Doubling", "Later"))
    both = load_course(tmp_path)
    save(course, out, the_class[1:3])
    for student, exercise in (("ann", "02"), ("bob", "02")):
        report = the_class[1].report.model_copy(update={"student": student, "exercise": exercise})
        checks = tuple(
            row.model_copy(update={"id": check.id})
            for row, check in zip(report.checks, both.exercise(exercise).checks, strict=True)
        )
        Results(out).save(report.model_copy(update={"checks": checks}))
    for kind in ("csv", "canvas", "moodle", "json", "junit"):
        every = grader(tmp_path, "export", "out", "--format", kind).stdout
        done = grader(tmp_path, "export", "out", "--format", kind, "--exercise", "1")
        assert done.returncode == 0, done.stderr
        assert "02" in every, kind
        assert not re.search(r"\b02\b", done.stdout), kind
        assert "01" in done.stdout, kind
    grader(tmp_path, "export", "out", "scope", "--format", "gradescope", "--exercise", "01")
    assert {path.parent.name for path in (tmp_path / "scope").glob("*/*/results.json")} == {"01"}
    for path in (out / "reports").glob("*/02.json"):
        path.unlink()
    done = grader(tmp_path, "export", "out", "--format", "csv", "--exercise", "02")
    assert done.returncode == 2
    assert "out holds no result of exercise 02. Grade it first." in done.stderr


@pytest.mark.parametrize("kind", ["csv", "canvas", "moodle", "json", "junit"])
def test_an_export_that_fails_on_its_way_prints_nothing(
    tmp_path: Path, course: Course, the_class: list[Graded], kind: str
) -> None:
    """No header alone, and no part of a class, in the file that the shell made."""
    save(course, tmp_path / "out", the_class)
    (tmp_path / "out" / "reports" / "eve" / "01.json").write_text("{}")
    done = grader(tmp_path, "export", "out", "--format", kind)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "is not a report of this version" in done.stderr


def test_a_folder_in_whose_place_a_file_lies_is_one_line(
    tmp_path: Path, course: Course, the_class: list[Graded]
) -> None:
    """Exit code 2, for each command that makes one."""
    out, file = tmp_path / "out", tmp_path / "file"
    save(course, out, the_class[1:2])
    stub = tmp_path / "subs" / "ann" / "01" / "doubling.py"
    stub.parent.mkdir(parents=True)
    for path in (file, out / "feedback", stub):
        path.write_text("")
    for command in (
        *(["report", "out"], ["export", "out", "file/x", "--format", "gradescope"]),
        ["export", "subs", "file/x", "--format", "jplag"],
    ):
        done = grader(tmp_path, *command)
        assert done.returncode == 2
        assert re.fullmatch(r"grader: \S+ cannot be made: .+\n", done.stderr)


def test_without_results_it_is_one_line(tmp_path: Path, course: Course) -> None:
    """Exit code 2 and what to run."""
    assert course.exercises
    for command in (["report", "out"], ["export", "out", "--format", "csv"]):
        done = grader(tmp_path, *command)
        assert done.returncode == 2
        assert "holds no results" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_another_folder_than_the_graded_one_is_refused(tmp_path: Path) -> None:
    """To look at nothing and say that nobody copied would be a lie."""
    course = load_course(REPO)
    report = graded(course, "ann", "p" * len(course.exercise("01").checks)).report
    (tmp_path / "out").mkdir()
    Results(tmp_path / "out").save(report)
    handed_in = tmp_path / "subs" / "ann" / "02"
    handed_in.mkdir(parents=True)
    (handed_in / "tail_pipe.py").write_text("x = 1\n")
    with pytest.raises(GraderError, match="holds no submission of exercise 01"):
        write_pages(tmp_path / "out", course, tmp_path / "subs")
    assert not (tmp_path / "out" / "class.html").exists()


def test_the_folder_that_was_graded_is_compared(tmp_path: Path) -> None:
    """Each exercise with results is found in it."""
    course = load_course(REPO)
    report = graded(course, "ann", "p" * len(course.exercise("01").checks)).report
    (tmp_path / "out").mkdir()
    Results(tmp_path / "out").save(report)
    handed_in = tmp_path / "subs" / "ann" / "01"
    handed_in.mkdir(parents=True)
    (handed_in / "polling.py").write_text("x = 1\n")
    assert write_pages(tmp_path / "out", course, tmp_path / "subs") == 1
    assert (tmp_path / "out" / "class.html").exists()
