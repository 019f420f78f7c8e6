"""The pages in a real browser: they sort, filter, print, and obey nothing that a student wrote."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from browser import acted, browse, lure, title
from graded_class import graded
from tiny_course import MANIFEST

from grader.course import Course, load_course
from grader.gradebook.graded import Graded
from grader.report import Kind
from grader.reports.class_page import class_html
from grader.reports.feedback import feedback_html, feedback_markdown
from grader.reports.similar import Similar, SimilarPair, grouped

pytestmark = pytest.mark.chromium
HOSTILE = (
    "</td><script>alert(1)</script><img src='{url}a' onerror='alert(2)'>"
    "<link rel=stylesheet href={url}b><iframe src='javascript:alert(3)'></iframe>"
    "<svg/onload=alert(4)> =cmd|'/C calc'!A0 [x](javascript:alert(5)) ![]({url}c) \x1b[2J\u202e"
)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The tiny course."""
    (tmp_path / "course.toml").write_text(MANIFEST)
    return load_course(tmp_path)


def some_class(course: Course) -> list[Graded]:
    """Ten and more: full marks, few points, late, provisional, hostile, identical."""
    late = graded(course, "lea", "ppf").report
    late = late.model_copy(update={"late": timedelta(hours=30), "penalty": 2.0})
    return [
        graded(course, "ann", "ppp"),
        graded(course, "bob", "pfp"),
        graded(course, "cy 10", "fff"),
        graded(course, "cy 9", "fff"),
        graded(course, "dan", "pep"),
        graded(course, "eve", "ppp"),
        graded(course, "mal", "pff", "double() sent what is no message", Kind.FORGED),
        Graded(late, by_hand=True),
    ]


def page_of(tmp_path: Path, text: str) -> Path:
    """That text as a file."""
    page = tmp_path / "page.html"
    page.write_text(text)
    return page


SHOWN = "[...body.rows].filter(r => !r.hidden).map(r => r.cells[0].textContent)"


def test_a_click_on_a_heading_sorts(tmp_path: Path, course: Course) -> None:
    """By name, by points as numbers, by checks; a second click turns it round."""
    page = page_of(tmp_path, class_html(some_class(course), course))
    script = (
        "const orders = [];"
        " for (const n of [0, 0, 2, 3, 3, 4]) {"
        "  table.tHead.rows[0].cells[n].firstElementChild.click();"
        f"  orders.push([{SHOWN}, table.tHead.querySelectorAll('[aria-sort]').length]);"
        " } return JSON.stringify(orders);"
    )
    orders = json.loads(title(acted(page, script)))
    by_name = ["ann", "bob", "cy 9", "cy 10", "dan", "eve", "lea", "mal"]
    assert orders[0] == [by_name, 1]
    assert orders[1] == [by_name[::-1], 1]
    points, _, percent, checks = (order for order, _ in orders[2:])
    for order in (points, percent[::-1], checks):
        assert set(order[:2]) == {"cy 9", "cy 10"}
        assert set(order[-2:]) == {"ann", "eve"}
    assert points.index("mal") < points.index("bob")  # 3 points, 5 points


def test_points_with_a_fraction_sort_as_numbers(tmp_path: Path, course: Course) -> None:
    """12.25 comes before 12.5: what stands behind the point is no number of its own."""
    figures = {"fay": 12.5, "gus": 12.25, "hal": 9.0}
    one_class = [
        Graded(
            graded(course, name, "ppp").report.model_copy(update={"score": points}), by_hand=True
        )
        for name, points in figures.items()
    ]
    page = page_of(tmp_path, class_html(one_class, course))
    script = (
        f"table.tHead.rows[0].cells[2].firstElementChild.click(); return JSON.stringify({SHOWN});"
    )
    assert json.loads(title(acted(page, script))) == ["hal", "gus", "fay"]


def test_filters_leave_what_was_asked_for(tmp_path: Path, course: Course) -> None:
    """Words in any column, an exercise, a mark; the count follows."""
    near = {"01": Similar(grouped([SimilarPair("bob", "dan", 0.97)]))}
    page = page_of(tmp_path, class_html(some_class(course), course, near))
    wanted = {
        ("words", "CY"): ["cy 10", "cy 9"],
        ("words", "no message"): ["mal"],
        ("flag", "provisional"): ["dan"],
        ("flag", "late"): ["lea"],
        ("flag", "by hand"): ["lea"],
        ("flag", "hostile"): ["mal"],
        ("flag", "identical"): ["ann", "eve"],
        ("flag", "nearly identical"): ["bob", "dan"],
        ("exercise", "01"): ["ann", "bob", "cy 10", "cy 9", "dan", "eve", "lea", "mal"],
    }
    script = (
        "const found = [];"
        f" for (const [name, value] of {json.dumps(list(wanted))}) {{"
        "  const control = document.getElementById(name);"
        "  control.value = value; control.dispatchEvent(new Event('input'));"
        f"  found.push([{SHOWN}, document.getElementById('count').textContent]);"
        "  control.value = '';"
        " } return JSON.stringify(found);"
    )
    found = json.loads(title(acted(page, script)))
    assert [names for names, _ in found] == list(wanted.values())
    assert [count for _, count in found] == [f"{len(names)} of 8" for names in wanted.values()]


def test_a_long_table_is_laid_out_in_part(tmp_path: Path, course: Course) -> None:
    """A search, a sort and the printer still reach every row."""
    many = [graded(course, f"student{n:04d}", "ppp" if n % 2 else "pfp") for n in range(700)]
    page = page_of(tmp_path, class_html(many, course))
    script = (
        "const seen = () => [body.rows.length, body.rows[0].cells[0].textContent, count.textContent,"
        " more.hidden]; const found = [seen()];"
        " const name = table.tHead.rows[0].cells[0].firstElementChild; name.click(); name.click();"
        " found.push(seen()); words.value = 'student0007'; filter(); found.push(seen());"
        " words.value = ''; filter(); more.click(); found.push(seen());"
        " filter(); dispatchEvent(new Event('beforeprint')); found.push(seen());"
        " return JSON.stringify(found);"
    )
    first, turned, searched, everything, printed = json.loads(title(acted(page, script)))
    assert first == [300, "student0000", "700 of 700, the first 300 shown", False]
    assert turned == [300, "student0699", "700 of 700, the first 300 shown", False]
    assert searched == [1, "student0007", "1 of 700", True]
    assert everything == [700, "student0699", "700 of 700", True]
    assert printed == everything


def test_the_map_leads_to_a_student(tmp_path: Path, course: Course) -> None:
    """By arrow keys and by pointer: most points on top; Enter and a click list the submissions."""
    page = page_of(tmp_path, class_html(some_class(course), course))
    script = (
        "const map = document.querySelector('figure.map svg');"
        " const told = document.querySelector('figure.map [role=status]');"
        " const press = (key) => map.dispatchEvent(new KeyboardEvent('keydown', {key}));"
        " const found = []; press('ArrowDown'); found.push(told.textContent);"
        " press('ArrowUp'); press('ArrowDown'); found.push(told.textContent);"
        " const box = map.getBoundingClientRect(), at = {clientX: box.x + 20, clientY: box.bottom - 6};"
        " map.dispatchEvent(new PointerEvent('pointermove', at)); found.push(told.textContent);"
        " press('Enter'); found.push(body.rows.length, body.rows[0].cells[0].textContent);"
        " map.dispatchEvent(new PointerEvent('pointerleave')); found.push(told.textContent);"
        " return JSON.stringify(found);"
    )
    assert json.loads(title(acted(page, script))) == [
        "ann (1 of 8)",
        "eve (2 of 8)",
        "cy 9 (8 of 8)",
        1,
        "cy 9",
        "",
    ]


def test_nothing_hostile_runs_or_is_fetched(tmp_path: Path, course: Course) -> None:
    """In the class's page and in feedback: names and messages are text, nothing leaves the page."""
    with lure() as (url, seen):
        evil = HOSTILE.format(url=url)
        one_class = [graded(course, evil, "pff", evil), *some_class(course)]
        near = {"01": Similar(grouped([SimilarPair(evil, "ann", 1.0)]))}
        script = (
            "return [called.join(), performance.getEntriesByType('resource').length,"
            " document.querySelectorAll('img, iframe, link, svg[onload]').length,"
            " document.scripts.length].join('|');"
        )
        for text, scripts in (
            (class_html(one_class, course, near), 4),  # the map's names are data in one
            (feedback_html(one_class[:1], course), 2),
        ):
            document = acted(page_of(tmp_path, text), script)
            assert title(document) == f"|0|0|{scripts}"
            assert "&lt;script&gt;alert(1)" in document
            assert "\x1b" not in document
        assert seen == []


def test_feedback_as_markdown_is_harmless_once_rendered(tmp_path: Path, course: Course) -> None:
    """By Python-Markdown, which lets HTML through: no element of a student's making."""
    markdown = pytest.importorskip("markdown")
    with lure() as (url, seen):
        evil = HOSTILE.format(url=url)
        body = markdown.markdown(feedback_markdown([graded(course, evil, "pff", evil)], course))
        text = f"<!doctype html><style></style><title></title><body>{body}</body>"
        script = (
            "return [called.join(),"
            " document.querySelectorAll('img, iframe, link, a, svg').length].join('|');"
        )
        assert title(acted(page_of(tmp_path, text), script)) == "|0"
        assert seen == []


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="reads the printed page")
def test_it_prints_without_its_controls(tmp_path: Path, course: Course) -> None:
    """Every row is on paper, the search is not."""
    page = page_of(tmp_path, class_html(some_class(course), course))
    printed = tmp_path / "printed.pdf"
    browse(page, f"--print-to-pdf={printed}", "--no-pdf-header-footer")
    text = subprocess.run(
        ["pdftotext", "-layout", str(printed), "-"], capture_output=True, text=True, check=True
    ).stdout
    assert all(one.report.student in text for one in some_class(course))
    assert "Search" not in text


@pytest.mark.parametrize(("scheme", "bright"), [("dark", False), ("light", True)])
def test_the_page_follows_the_systems_colours(
    tmp_path: Path, course: Course, scheme: str, *, bright: bool
) -> None:
    """Dark paper and light ink where the system asks for it, and the other way round."""
    text = class_html(some_class(course), course)
    # Headless Chromium has no switch for the preference, so its query is answered here.
    text = text.replace("(prefers-color-scheme: dark)", "all" if scheme == "dark" else "not all")
    script = (
        "const style = getComputedStyle(document.body);"
        " const sum = (colour) => colour.match(/\\d+/g).map(Number).reduce((a, b) => a + b);"
        " return sum(style.backgroundColor) + '|' + sum(style.color);"
    )
    paper, ink = map(int, title(acted(page_of(tmp_path, text), script)).split("|"))
    assert (paper > ink) == bright
    assert abs(paper - ink) > 400


def test_a_narrow_window_breaks_no_check_and_hides_no_figure(
    tmp_path: Path, course: Course
) -> None:
    """At 400 px: a check's id on one line, its figures inside, the wide table scrolls by itself."""
    measured = (
        "[document.documentElement.scrollWidth,"
        " Math.max(...[...document.querySelectorAll('td.id')].map(e => e.clientHeight)),"
        " Math.max(...[...document.querySelectorAll('.figures td')]"
        "  .map(e => e.getBoundingClientRect().right))]"
    )
    told = f"<script>parent.postMessage(JSON.stringify({measured}), '*')</script></body>"
    text = class_html(some_class(course), course)
    page_of(tmp_path, text.replace("</body>", told))
    around = tmp_path / "around.html"  # a window of Chromium's is never so narrow
    around.write_text(
        "<title></title><script>onmessage = (e) => { document.title = e.data; }</script>"
        "<iframe src='page.html' width=400 height=900></iframe>"
    )
    shown = title(browse(around, "--virtual-time-budget=5000", "--dump-dom"))
    wide, tall, right = json.loads(shown)
    assert wide <= 400
    assert tall < 40
    assert right <= 400
