"""What a comparison is made into: the document, tables, orderings, lessons, and the choice.

The run that the lessons quote serves as the sample.
"""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from browser import returned
from command_line import grader
from rich.console import Console

from grader.compare.result import NOT_WRITTEN, Column, Comparison
from grader.compare.show import lessons, plots
from grader.compare.show.cells import UNKNOWN
from grader.compare.show.choose import offers
from grader.compare.show.orderings import ORDERINGS
from grader.compare.show.page import choose_html, comparison_html
from grader.compare.show.rows import rows
from grader.compare.show.table import print_comparison
from grader.compare.techniques.catalog import TECHNIQUES
from grader.course import load_course
from grader.errors import GraderError

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def kept() -> Comparison:
    """The run that the lessons quote."""
    return lessons.kept(load_course(REPO))


def changed(
    comparison: Comparison, technique: str, measurement: str, **fields: object
) -> Comparison:
    """The comparison with other numbers in one of the solutions' columns."""

    def column(each: Column) -> Column:
        if (each.technique, each.whose) != (technique, comparison.subject):
            return each
        found = getattr(each, measurement).model_copy(update=fields)
        return each.model_copy(update={measurement: found})

    return comparison.model_copy(update={"columns": tuple(map(column, comparison.columns))})


def cells(comparison: Comparison, group: str, label: str) -> dict[str, str]:
    """A row's cells, by technique."""
    (row,) = (each for each in rows(comparison) if (each.group, each.label) == (group, label))
    return dict(zip((each.id for each in TECHNIQUES), row.cells, strict=True))


def test_the_document_is_read_as_it_was_written(kept: Comparison) -> None:
    """Nothing is lost on the way through JSON."""
    assert Comparison.model_validate_json(kept.model_dump_json()) == kept


def test_a_run_of_an_older_version_is_still_shown(kept: Comparison) -> None:
    """Before both logs and the rows that came with them: dashes there, all else as it was."""
    document = json.loads(kept.model_dump_json())
    logs = ("streams", "kafka")
    for each in logs:
        del document["behind"][each]
    document["columns"] = [c for c in document["columns"] if c["technique"] not in logs]
    for column in document["columns"]:
        for name in ("between", "services", "replay"):
            del column[name]
    old = Comparison.model_validate(document)
    for row in rows(old):
        if row.group in ("Killed after handle", "Two services", "Read again"):
            assert set(row.cells) == {"\N{EN DASH}"}, row
        else:
            assert set(row.cells[-2:]) == {"\N{EN DASH}"}
            (now,) = (r.cells for r in rows(kept) if (r.group, r.label) == (row.group, row.label))
            assert row.cells[:-2] == now[:-2]
    assert "Redis Streams: not measured" in comparison_html(old)
    assert dict(lessons.texts(load_course(REPO), old))


def test_the_run_that_the_lessons_quote_is_whole(kept: Comparison) -> None:
    """Every technique with both consumers, nothing failed, what stood behind each is said."""
    assert len(kept.columns) == 2 * len(TECHNIQUES)
    assert [column.problems for column in kept.columns if column.problems] == []
    assert kept.behind.keys() == {each.id for each in TECHNIQUES}
    assert kept.behind["redis"].startswith(("simulated: fakeredis ", "real: Redis "))


def test_every_cell_of_the_quoted_run_is_filled(kept: Comparison) -> None:
    """A dash stands only where there is nothing to say."""
    empty = {(r.group, r.label) for r in rows(kept) if "\N{EN DASH}" in r.cells}
    assert {group for group, _ in empty} <= {"Away for a second", "Broker restarted"}
    assert cells(kept, "Broker restarted", "lost")["rabbitmq"] == "0"


def test_a_consumer_that_fails_has_a_cell_that_says_so(kept: Comparison) -> None:
    """In the table a word, below it the sentence; one whose server is missing has a dash."""
    column = Column(technique="tail", whose="solution", problems={"all": "its process ended"})
    columns = [column if c.technique == "tail" else c for c in kept.columns]
    broken = kept.model_copy(update={"columns": tuple(columns)})
    assert cells(broken, "Crash", "lost")["tail"] == "fails"
    said = io.StringIO()
    print_comparison(broken, Console(width=120, file=said))
    assert "✗ tail (solution): its process ended" in said.getvalue()
    behind = {name: what for name, what in kept.behind.items() if name != "tail"}
    missing = broken.model_copy(update={"behind": behind})
    assert cells(missing, "Crash", "lost")["tail"] == "\N{EN DASH}"


# What breaks each sentence of the lessons, in the order of ORDERINGS.
BREAKS = (
    ("redis", "latency", {"p50": 500.0}),
    ("polling", "latency", {"p50": 5000.0}),
    ("tail", "latency", {"p50": 1000.0}),
    ("sqs", "latency", {"p50": 0.01}),
    ("sqs", "throughput", {"per_second": 1e9}),
    ("redis", "idle", {"requests": 1e6}),
    ("sqs", "idle", {"requests": 1e9}),
    ("rabbitmq", "away", {"arrived_later": 0}),
    ("socket", "away", {"arrived_later": 1}),
    ("tail", "crash", {"lost": 1}),
    ("redis", "crash", {"lost": 0}),
    ("streams", "between", {"events": ()}),
    ("socket", "between", {"twice": 1}),
    ("polling", "pair", {"kind": "neither"}),
    ("rabbitmq", "pair", {"evenness": 0.1}),
    ("streams", "services", {"kind": "share"}),
    ("streams", "replay", {"again": 0}),
    ("socket", "pair", {"kind": "all"}),
    ("rabbitmq", "restart", {"lost": 1}),
)


def test_a_stub_has_not_failed(kept: Comparison) -> None:
    """Its cells are empty, and its line is no error: there was nothing to measure yet."""
    own = [
        Column(technique=each.technique, whose="own", problems={"all": NOT_WRITTEN})
        if each.technique == "polling"
        else each.model_copy(update={"whose": "own"})
        for each in kept.columns
        if each.whose == "solution"
    ]
    stub = kept.model_copy(update={"columns": tuple(own)})
    assert {row.cells[0] for row in rows(stub)} == {UNKNOWN}
    page = io.StringIO()
    print_comparison(stub, Console(file=page, width=100))
    assert f"{UNKNOWN} polling (own): it is not written yet" in page.getvalue()
    assert "fails" not in page.getvalue()


@pytest.mark.parametrize(("number", "change"), list(enumerate(BREAKS)))
def test_what_the_lessons_say_holds_and_could_fail(
    kept: Comparison, number: int, change: tuple[str, str, dict]
) -> None:
    """It holds in the quoted run, does not with other numbers, and is open without them."""
    technique, measurement, fields = change
    ordering = ORDERINGS[number]
    assert ordering.holds(kept) is True
    assert ordering.holds(changed(kept, technique, measurement, **fields)) is False
    assert ordering.holds(kept.model_copy(update={"columns": ()})) is None


def test_every_sentence_has_numbers_that_break_it() -> None:
    """The list above is complete."""
    assert len(BREAKS) == len(ORDERINGS)


def test_the_lessons_quote_the_kept_run(kept: Comparison) -> None:
    """Byte for byte; each exercise with a technique quotes it; their links lead somewhere."""
    course = load_course(REPO)
    written = dict(lessons.texts(course, kept))
    assert {path.parent.name for path in written} == {each.exercise for each in TECHNIQUES}
    for path, text in written.items():
        assert (REPO / path).read_text() == text, f"run `grader compare --lessons`: {path}"
        for link in re.findall(r"\]\((\.\./\.\./resources/comparison/[^)]+)\)", text):
            assert (REPO / path.parent / link).is_file(), f"{path} links to {link}"


def test_a_run_that_contradicts_the_lessons_is_not_quoted(kept: Comparison) -> None:
    """Nothing is written, and the sentence that does not hold is named."""
    before = (REPO / lessons.RUN).read_bytes()
    lossy = changed(kept, "rabbitmq", "crash", lost=3)
    with pytest.raises(GraderError, match="A crash loses nothing from a file, a queue"):
        list(lessons.renew(load_course(REPO), lossy))
    assert (REPO / lessons.RUN).read_bytes() == before


def test_the_choice_page_is_that_of_the_kept_run(kept: Comparison) -> None:
    """The page that the lessons link to has the numbers that the lessons have."""
    assert (REPO / lessons.FOLDER / "choose.html").read_text() == choose_html(kept)


@pytest.mark.thorough
def test_students_get_what_the_lessons_show(tmp_path: Path) -> None:
    """The release holds the pictures and the page; there, only --own can be measured."""
    assert grader(REPO, "release", str(tmp_path / "out")).returncode == 0
    names = [f"{name}.png" for name in plots.TITLES] + ["choose.html", "run.json"]
    for name in names:
        assert (tmp_path / "out" / lessons.FOLDER / name).is_file()
    done = grader(tmp_path / "out", "compare")
    assert done.returncode == 2
    assert (
        done.stderr == "grader: this copy has no solutions to measure. Measure yours: add --own.\n"
    )


def test_the_help_names_every_technique() -> None:
    """The list is the catalog's, and so is what is taken."""
    said = " ".join(grader(REPO, "compare", "--help").stdout.split())
    assert (
        "Measure this one: polling, tail, socket, redis, rabbitmq, sqs, streams or kafka, or"
        in said
    )
    refused = grader(REPO, "compare", "--only", "pigeons")
    assert refused.returncode == 2
    assert "'pigeons' is not one of polling, tail, socket, redis, rabbitmq," in refused.stderr


def test_the_table_fits_a_terminal(kept: Comparison) -> None:
    """With all techniques, in 100 columns: no cell is cut, and each technique has its heading."""
    said = io.StringIO()
    print_comparison(kept, Console(width=100, file=said))
    heading = said.getvalue().splitlines()[0].split()
    assert [each.rstrip("*") for each in heading] == [
        each.short or each.title for each in TECHNIQUES
    ]
    assert "…" not in said.getvalue()


def test_bad_requests_are_refused_before_anything_runs(tmp_path: Path) -> None:
    """One line and what to do, at once."""
    done = grader(REPO, "compare", "--html", str(tmp_path / "no" / "x.html"))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    done = grader(REPO, "compare", "--lessons", "--own")
    assert done.returncode == 2
    assert "the lessons show all solutions" in done.stderr
    done = grader(
        REPO,
        *("compare", "--real", "--only", "redis"),
        env={"REDIS_URL": "redis://127.0.0.1:1", "SQS_ENDPOINT_URL": ""},
    )
    assert done.returncode == 2
    assert "REDIS_URL names a server that does not answer" in done.stderr
    for url in ("amqp://127.0.0.1:1/", "amqp://nowhere.invalid/"):
        done = grader(REPO, "compare", "--only", "rabbitmq", env={"RABBITMQ_URL": url})
        assert done.returncode == 2
        said = r"grader: RABBITMQ_URL names a RabbitMQ that does not answer: \w.*"
        assert re.fullmatch(said, done.stderr.strip()), done.stderr


def test_the_page_holds_itself(kept: Comparison) -> None:
    """No address to load from, a policy that would stop one, and all pictures inside."""
    page = comparison_html(kept)
    assert page.count("<svg") == len(plots.TITLES)
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:)""", page)
    assert "default-src 'none'" in page
    assert "simulated" in page
    spans = set(re.findall(r'colspan="(\d+)" scope="colgroup"', page))
    assert spans == {str(len(TECHNIQUES) + 1)}
    assert plots.png(kept).startswith(b"\x89PNG")


def test_offers_are_what_was_measured(kept: Comparison) -> None:
    """A technique that lost what came while it was away does not keep; one not measured: None."""
    by_title = {each.title: each for each in offers(kept)}
    assert by_title["RabbitMQ"].keeps is True
    assert by_title["socket"].keeps is False
    assert by_title["SQS"].consumers == ("share",)
    assert by_title["Redis Streams"].consumers == ("share", "all")
    can = {title for title, each in by_title.items() if each.again}
    assert can == {"polling", "tail", "Redis Streams", "Kafka"}
    assert by_title["polling"].latency > by_title["tail"].latency
    unmeasured = kept.model_copy(update={"columns": ()})
    assert [each.keeps for each in offers(unmeasured)] == [None] * len(TECHNIQUES)
    assert [each.again for each in offers(unmeasured)] == [None] * len(TECHNIQUES)
    assert [each.consumers for each in offers(unmeasured)] == [()] * len(TECHNIQUES)


def test_a_crash_is_the_worse_of_the_two_kills(kept: Comparison) -> None:
    """RabbitMQ repeats nothing when it is killed inside `handle`, and one event after it."""
    column = kept.column("rabbitmq", kept.subject)
    assert column is not None
    assert column.crash is not None
    assert column.between is not None
    assert (column.crash.twice, column.between.twice) == (0, 1)
    assert {each.title: each.crash_twice for each in offers(kept)}["RabbitMQ"] == 1
    worse = changed(kept, "rabbitmq", "crash", lost=2, twice=3)
    offer = {each.title: each for each in offers(worse)}["RabbitMQ"]
    assert (offer.crash_lost, offer.crash_twice) == (2, 3)


def test_nothing_sent_while_it_was_away_says_nothing(kept: Comparison) -> None:
    """A consumer that handles an event for seconds may outlast the producer."""
    none = changed(kept, "rabbitmq", "away", sent_meanwhile=0, arrived_later=0)
    assert {each.title: each.keeps for each in offers(none)}["RabbitMQ"] is None
    keeps = next(each for each in ORDERINGS if "while the consumer is away" in each.sentence)
    assert keeps.holds(none) is None


NEEDS = (
    (
        {},
        ["polling", "tail", "socket", "Redis Pub/Sub", "RabbitMQ", "SQS", "Redis Streams", "Kafka"],
    ),
    ({"keeps": "1", "machines": "1"}, ["RabbitMQ", "SQS", "Redis Streams", "Kafka"]),
    ({"crash": "lost", "run": "nothing"}, ["polling", "tail"]),
    ({"crash": "both"}, []),
    ({"replay": "1"}, ["polling", "tail", "Redis Streams", "Kafka"]),
    ({"consumers": "all", "machines": "1"}, ["Redis Pub/Sub", "Redis Streams", "Kafka"]),
    ({"consumers": "share", "replay": "1"}, ["Redis Streams", "Kafka"]),
    ({"consumers": "all", "machines": "1", "run": "provider"}, []),
)


# Fills the form in with each set of needs.
TRY_OUT = """
const said = [];
for (const needs of %s) {
  form.reset();
  for (const [name, value] of Object.entries(needs)) form.elements[name].value = value;
  choose();
  said.push([document.getElementById("verdict").textContent,
             document.querySelectorAll("#offers tr.out").length]);
}
return JSON.stringify(said);"""


@pytest.mark.chromium
def test_needs_strike_techniques_out(tmp_path: Path, kept: Comparison) -> None:
    """The page's script, in a browser, under its own security policy."""
    page = tmp_path / "choose.html"
    page.write_text(choose_html(kept))
    said = json.loads(returned(page, TRY_OUT % json.dumps([needs for needs, _ in NEEDS])))
    for (needs, left), (verdict, struck) in zip(NEEDS, said, strict=True):
        expected = f"What remains: {', '.join(left)}." if left else "Nothing remains."
        assert verdict.startswith(expected), needs
        assert struck == len(TECHNIQUES) - len(left)


@pytest.mark.chromium
def test_what_was_not_measured_is_called_that(tmp_path: Path, kept: Comparison) -> None:
    """It cannot be promised, and nothing is said of how it would have come out."""
    page = tmp_path / "choose.html"
    page.write_text(choose_html(kept.model_copy(update={"columns": ()})))
    script = """
for (const name of ["latency", "per_second", "keeps", "crash", "consumers"])
  form.elements[name].selectedIndex = 1;
choose();
return document.querySelector("#offers .why").textContent;"""
    assert returned(page, script) == (
        "latency not measured; throughput not measured; not measured with the consumer away; "
        "not measured with a crash; not measured with several consumers"
    )
