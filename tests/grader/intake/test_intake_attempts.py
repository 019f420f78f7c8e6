"""When something was handed in, and which attempt is the newest, as each source writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from download import taken, zipped

from grader.course import Course
from grader.intake.collected import Collected

WORK = "doubling.py"


@pytest.fixture(autouse=True)
def _zone() -> Iterator[None]:
    import time  # noqa: PLC0415 - its tzset alone

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("TZ", "XYZ-3")  # three hours east of UTC
        time.tzset()
        yield
    time.tzset()  # other tests have the zone of the machine


AT = "Assignment 1/{}/Submission attachment(s)/doubling.py"
SAKAI = {
    "2026-11-20T10:11:12.345Z": b"2026-11-20 13:11:12 +0300\n",
    "2026-11-20T10:11:12.345678901Z": b"2026-11-20 13:11:12 +0300\n",
    "20261120101112345": b"2026-11-20 13:11:12 +0300\n",
    "2026-11-20T10:11:12": None,  # in whose zone?
    "Nov 20, 2026": None,
    "99999999999999999": None,
    "": None,
}


@pytest.mark.parametrize("text", SAKAI)
def test_sakai_s_time_of_handing_in_is_kept(course: Course, tmp_path: Path, text: str) -> None:
    """It is in UTC; what a student calls so is none."""
    files = {
        AT.format("Doe, Jane(jdoe)"): b"jane",
        "Assignment 1/Doe, Jane(jdoe)/timestamp.txt": text.encode(),
        AT.format("Ray, Zoe(zray)"): b"zoe",
        "Assignment 1/Ray, Zoe(zray)/Submission attachment(s)/timestamp.txt": b"20200101000000000",
    }
    found = taken(course, tmp_path, files)
    assert found.kind == "sakai"
    expected = SAKAI[text]
    assert found.stamps == ({("jdoe", "01"): expected} if expected else {})
    assert set(found.files) == {("jdoe", "01"), ("zray", "01")}


def test_sakai_without_folders(course: Course, tmp_path: Path) -> None:
    """All is in names then; a marked copy is nobody's work."""
    files = {"A 1/grades.csv": b""}
    for who, login in (("Doe, Jane", "jdoe"), ("O'B, C", "co@x.org")):
        files[f"A 1/{who}({login})_Submission attachment(s)_{WORK}"] = login.encode()
        files[f"A 1/{who}({login})_Feedback Attachment(s)_{WORK}"] = b"marked"
        files[f"A 1/{who}({login})__submissionText.html"] = b""
        files[f"A 1/{who}({login})_comments.txt"] = b""
    found = taken(course, tmp_path, files)
    assert {who: each[WORK].decode() for (who, _), each in found.files.items()} == {
        "jdoe": "jdoe",
        "co@x.org": "co@x.org",
    }
    assert (found.kind, found.unmatched, found.copies) == ("sakai", [], [])


@pytest.mark.parametrize("between", [":", "_"])
def test_nbgrader_s_exchange_names_student_and_time(
    course: Course, tmp_path: Path, between: str
) -> None:
    """`inbound/` has a folder for each attempt; the newest counts, and its time is in UTC."""
    folder = f"inbound/{{}}+01+2026-11-{{}} 10{between}11{between}12.000001 UTC{{}}/{WORK}"
    files = {
        folder.format("jdoe", "19", "+Ab12"): b"old",
        folder.format("jdoe", "20", "+Cd34"): b"new",
        folder.format("zoe", "19", ""): b"zoe",
    }
    found = taken(course, tmp_path, files)
    assert found.files == {("jdoe", "01"): {WORK: b"new"}, ("zoe", "01"): {WORK: b"zoe"}}
    assert found.stamps["jdoe", "01"] == b"2026-11-20 13:11:12 +0300\n"
    assert found.students == {"jdoe", "zoe"}


def test_submitty_s_settings_hide_no_attempts(course: Course, tmp_path: Path) -> None:
    """A file of the system's beside the folders 2 and 10 does not make them copies."""
    files = {f"01/jdoe/{n}/{WORK}": b"%d" % n for n in (2, 10)}
    files["01/zoe/1/doubling.py"] = b"1"
    files |= {f"01/{who}/user_assignment_settings.json": b"{}" for who in ("jdoe", "zoe")}
    found = taken(course, tmp_path, files)
    assert found.files == {("jdoe", "01"): {WORK: b"10"}, ("zoe", "01"): {WORK: b"1"}}
    assert found.copies == []


def _counts(found: Collected) -> dict[str, str]:
    """By student, the content that counts."""
    return {who: each[WORK].decode() for (who, _), each in found.files.items()}


DATED = {
    "a person's folder of an exercise for each time": {
        f"jdoe/doubling/2026-11-20-10:11:12/uploaded_files/{WORK}": b"old",
        f"jdoe/doubling/2026-11-21-10:11:12/uploaded_files/{WORK}": b"new",
        "jdoe/events/2026-11-22-10:11:12/uploaded_files/events.py": b"other",
        f"zoe/doubling/2026-11-20-10:11:12/uploaded_files/{WORK}": b"zoe",
    },
    "the day first": {
        f"jdoe_20.11.2026 18-11/{WORK}": b"old",
        f"jdoe_3.12.2026 9.05/{WORK}": b"new",
        f"zoe_20.11.2026 10-11/{WORK}": b"zoe",
    },
    "months by name": {
        f"jdoe - Nov 20, 2026 1011 PM/{WORK}": b"old",
        f"jdoe - 3 December 2026 9:05/{WORK}": b"new",
        f"zoe (20. November 2026)/{WORK}": b"zoe",
    },
    "clocks of two zones": {
        f"jdoe/2026-11-20T20-00-00+0100/{WORK}": b"old",
        f"jdoe/2026-11-20T18-30-00-0500/{WORK}": b"new",
        f"zoe/2026-11-20T18-30-00Z/{WORK}": b"zoe",
    },
    "words after the number": {
        f"jdoe/Attempt 1/{WORK}": b"old",
        f"jdoe/Attempt 2 (LATE)/{WORK}": b"new",
        f"zoe/Attempt 1/{WORK}": b"zoe",
    },
}


@pytest.mark.parametrize("case", DATED)
@pytest.mark.parametrize("order", [1, -1])
def test_the_newest_counts_however_its_time_is_written(
    course: Course, tmp_path: Path, case: str, order: int
) -> None:
    """An older attempt in its place would be lost work that nothing says."""
    found = taken(course, tmp_path, dict([*DATED[case].items()][::order]))
    assert _counts(found) == {"jdoe": "new", "zoe": "zoe"}
    assert [line.partition(": an older")[0] for line in found.older] == ["jdoe 01"]
    assert (found.copies, found.unmatched) == ([], [])


def test_a_date_that_is_read_in_two_ways_is_asked_about(course: Course, tmp_path: Path) -> None:
    """`11-12-2026` is in November or December; a folder for each date is no student for each."""
    names = ("Jane Doe - 11-12-2026 0911 PM", "Jane Doe - 12-11-2026", "Zoe Kim")
    found = taken(course, tmp_path, {f"{who}/{WORK}": who.encode() for who in names})
    assert _counts(found) == {"Zoe Kim": "Zoe Kim"}
    assert found.students == {"Zoe Kim"}
    assert [line.partition(" ends in a date")[0] for line in found.unmatched] == list(names[:2])


def test_what_vpl_wrote_is_no_work(course: Course, tmp_path: Path) -> None:
    """Its folder beside the submission may hold a file of that name."""
    files = {
        f"jdoe 12/2026-11-20-10-11-12/{WORK}": b"jdoe",
        f"jdoe 12/2026-11-20-10-11-12.ceg/{WORK}": b"ran",
        f"zoe 13/2026-11-20-10-11-12/{WORK}": b"zoe",
    }
    found = taken(course, tmp_path, files)
    assert _counts(found) == {"jdoe 12": "jdoe", "zoe 13": "zoe"}
    assert found.copies == []


NEWEST = {
    "versions": "{}/Version {}",
    "numbers": "{}/{}",
    "times": "{}/2026-11-2{}-10-11-12",
    "a folder with its time": "{} - 2026-11-2{} 10:11:12",
    "beside a program's note": "{}/Attempt_{}",
}


@pytest.mark.parametrize("case", NEWEST)
def test_what_the_newest_attempt_does_not_hold_is_said(
    course_of_two: Course, tmp_path: Path, case: str
) -> None:
    """In a folder for each attempt as in Blackboard's names: a newer attempt is not lost in silence."""
    place = NEWEST[case]
    files = {
        f"{place.format('ann', 1)}/tail_pipe.py": b"old",
        f"{place.format('ann', 1)}/tcp_socket.py": b"old",
        f"{place.format('ann', 2)}/tail_pipe.py": b"new",
        f"{place.format('bob', 1)}/tail_pipe.py": b"old",
        f"{place.format('bob', 2)}/tail_pipe.pdf": b"",
        f"{place.format('cy', 1)}/tail_pipe.py": b"cy",
    }
    if "note" in case:
        files |= {f"{who}/USERINFO.txt": b"" for who in ("ann", "bob", "cy")}
    found = taken(course_of_two, tmp_path, files)
    ann, bob, cy = (found.files[who, "02"] for who in ("ann", "bob", "cy"))
    assert ann == {"tail_pipe.py": b"new"}
    assert (bob, cy) == ({"tail_pipe.py": b"old"}, {"tail_pipe.py": b"cy"})
    said = ["ann 02: the newest attempt holds no tcp_socket.py, and an older one does"]
    if case != "numbers":  # those may be parts of the work, where they share no file
        said += ["bob: the newest attempt holds no file of an exercise, an older one is taken"]
    assert sorted(found.unmatched) == said


def test_files_with_times_of_their_own_are_no_attempts(
    course_of_two: Course, tmp_path: Path
) -> None:
    """Each came in a mail of its own; of somebody's archives the newest is all that counts."""
    files = {
        "ann_2026-11-20_10-11-12_tail_pipe.py": b"a1",
        "ann_2026-11-21_10-11-12_tcp_socket.py": b"a2",
        "bob_2026-11-20_10-11-12.zip": zipped({"tail_pipe.py": b"b1", "tcp_socket.py": b"b1"}),
        "bob_2026-11-21_10-11-12.zip": zipped({"tail_pipe.py": b"b2"}),
    }
    found = taken(course_of_two, tmp_path, files)
    assert found.files["ann", "02"] == {"tail_pipe.py": b"a1", "tcp_socket.py": b"a2"}
    assert found.files["bob", "02"] == {"tail_pipe.py": b"b2"}
    assert found.unmatched == [
        "bob 02: the newest attempt holds no tcp_socket.py, and an older one does"
    ]
