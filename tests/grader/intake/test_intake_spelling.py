"""Names have one spelling everywhere, whatever system packed them; a system's own files are nobody's."""

from __future__ import annotations

import io
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from command_line import grader
from download import taken, zipped
from tiny_course import MANIFEST, RIGHT, add_submission, write_tiny_course

from grader.class_folder import find_submissions
from grader.course import Course, load_course
from grader.errors import GraderError
from grader.gradebook.database import default_url
from grader.gradebook.nbgrader import extend, extensions, lookup, student_id
from grader.gradebook.results import FolderNames, Results
from grader.intake.archives import members
from grader.intake.collect import collect
from grader.intake.students import clean_name, folders
from grader.intake.write import write_submissions
from grader.report import CheckResult, Outcome, Report

NFC = "Zoë Ångström"
NFD = unicodedata.normalize("NFD", NFC)


def without_flag(name: bytes, extra: bytes = b"") -> bytes:
    """A zip whose one name is those bytes, without the flag that says that it is UTF-8."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        info = zipfile.ZipInfo("x" * len(name))
        info.extra = extra
        archive.writestr(info, "x = 1\n")
    return data.getvalue().replace(b"x" * len(name), name)


def info_zip_extra(raw: bytes, name: str) -> bytes:
    """The extra field in which Info-ZIP's `zip` has the name in UTF-8."""
    field = b"\x01" + struct.pack("<I", zlib.crc32(raw)) + name.encode()
    return struct.pack("<HH", 0x7075, len(field)) + field


NAMES_IN_ZIPS = {
    "a Mac's, decomposed": without_flag(f"{NFD}/doubling.py".encode()),
    "UTF-8 without the flag": without_flag(f"{NFC}/doubling.py".encode()),
    "with Info-ZIP's extra field": without_flag(
        b"Zo? ?ngstr?m/doubling.py",
        info_zip_extra(b"Zo? ?ngstr?m/doubling.py", f"{NFC}/doubling.py"),
    ),
    "code page 437": without_flag(f"{NFC}/doubling.py".encode("cp437")),
    "with the flag": zipped({f"{NFD}/doubling.py": b"x"}),
}


@pytest.mark.parametrize("case", NAMES_IN_ZIPS)
def test_a_zip_s_names_are_read_as_they_were_meant(case: str) -> None:
    """By the flag, else the extra field, else as UTF-8 where the bytes are; in normal form C."""
    ((path, _),) = members(NAMES_IN_ZIPS[case], "work.zip")
    assert str(path) == f"{NFC}/doubling.py"


def without_flags(*names: bytes) -> bytes:
    """A zip with those names, without the flag that says that they are UTF-8."""
    placeholders = [chr(ord("A") + number) * len(name) for number, name in enumerate(names)]
    data = zipped(dict.fromkeys(placeholders, b"x = 1\n"))
    for placeholder, name in zip(placeholders, names, strict=True):
        data = data.replace(placeholder.encode(), name)
    return data


ELSEWHERE = {
    "cp932": "鈴木花子",
    "gbk": "张伟",
    "big5": "陳大文",
    "euc-kr": "김철수",
    "cp866": "Ева Иванова",
    "cp1251": "Анна Петрова",
    "cp852": "Łukasz Żak",
    "cp1252": "José Núñez",
}


@pytest.mark.parametrize("encoding", ELSEWHERE)
def test_names_in_an_encoding_that_nothing_tells_are_refused(
    course: Course, tmp_path: Path, encoding: str
) -> None:
    """Explorer writes its country's; nobody gets a folder of boxes, or another one next week."""
    source = tmp_path / "class.zip"
    name = f"{ELSEWHERE[encoding]}/doubling.py".encode(encoding)
    source.write_bytes(without_flags(name, b"Jane/doubling.py"))
    with pytest.raises(GraderError, match="does not tell the encoding of its names") as refused:
        collect(source, course)
    assert "unzip -O" in str(refused.value)


WESTERN = ("Mª José O\N{ACUTE ACCENT}Neil", "Ægir Þór", "Gal·la Öztürk", "ÉLÉONORE", "Ñoño")


@pytest.mark.parametrize("name", WESTERN)
def test_western_names_without_a_flag_are_people(course: Course, tmp_path: Path, name: str) -> None:
    """In code page 850, as Explorer in Western Europe writes them."""
    source = tmp_path / "class.zip"
    source.write_bytes(without_flags(f"{name}/doubling.py".encode("cp850"), b"Jane/doubling.py"))
    assert collect(source, course).students == {name, "Jane"}


def test_a_student_s_own_files_may_have_any_name(course: Course, tmp_path: Path) -> None:
    """What lies in a folder that is read as it was meant is no reason to refuse a class."""
    source = tmp_path / "class.zip"
    notes = "Zoe/说明.txt".encode("gbk")
    source.write_bytes(without_flags(notes, b"Zoe/doubling.py", b"Jane/doubling.py"))
    assert collect(source, course).students == {"Zoe", "Jane"}


def test_a_tar_s_names_are_in_normal_form() -> None:
    """As those of a zip are."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo(f"{NFD}/doubling.py"))
    ((path, _),) = members(data.getvalue(), "work.tgz")
    assert str(path) == f"{NFC}/doubling.py"


@pytest.mark.parametrize("inside", ["folder", "zip"])
def test_two_forms_of_a_name_are_one_student(course: Course, tmp_path: Path, inside: str) -> None:
    """In an exercise each: one folder, in normal form."""
    files = {f"{NFC}/01/doubling.py": b"x = 1\n", f"{NFD}/01/doubling.py": b"x = 1\n"}
    source = tmp_path / "class.zip"
    source.write_bytes(zipped(files))
    if inside == "folder":
        source = tmp_path / "class"
        for name, data in files.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(data)
    found = collect(source, course)
    assert found.students == {NFC}
    assert set(found.files) == {(NFC, "01")}


def test_a_folder_of_the_other_form_is_written_into(course: Course, tmp_path: Path) -> None:
    """An earlier intake, or a Mac, made it; no second one appears beside it."""
    (tmp_path / "subs" / NFD / "02").mkdir(parents=True)
    found = taken(course, tmp_path, {f"{NFC}/01/doubling.py": b"x = 1\n"})
    write_submissions(found, tmp_path / "subs")
    assert [path.name for path in (tmp_path / "subs").iterdir()] == [NFD]
    (submission,) = find_submissions(tmp_path / "subs", course)
    assert submission.student == NFC
    assert submission.files


@pytest.mark.parametrize("asked", [NFC, NFD])
@pytest.mark.parametrize("stored", [NFC, NFD])
def test_a_student_is_found_by_either_form(
    course: Course, tmp_path: Path, asked: str, stored: str
) -> None:
    """--student, whatever form the folder and the keyboard have."""
    add_submission(tmp_path, stored, RIGHT)
    (found,) = find_submissions(tmp_path / "subs", course, only=[asked])
    assert found.student == NFC


def test_two_folders_of_one_student_are_refused(course: Course, tmp_path: Path) -> None:
    """One of them has last week's work: a sentence that shows how they differ."""
    for name in (NFC, NFD):
        add_submission(tmp_path, name, RIGHT)
    with pytest.raises(GraderError, match=r"two folders of 'Zoë Ångström'.*Zoe\\u0308.*Zo\\xeb"):
        find_submissions(tmp_path / "subs", course)


def report_of(tmp_path: Path, student: str, score: float) -> Report:
    """A report of exercise 01."""
    (tmp_path / "course.toml").write_text(MANIFEST)
    exercise = load_course(tmp_path).exercise("01")
    outcome = Outcome.PASSED if score else Outcome.FAILED
    return Report(
        student=student,
        exercise="01",
        score=score,
        max_score=10,
        provisional=False,
        sandbox="bubblewrap",
        seed=1,
        submission_hash="a",
        suite_hash="b",
        checks=tuple(CheckResult.of(check, outcome) for check in exercise.checks),
    )


@pytest.mark.parametrize("name", [NFC, "ë" * 100, ".ë"])
def test_last_weeks_result_in_the_other_form_is_no_second_student(
    tmp_path: Path, name: str
) -> None:
    """The report in normal form counts; the older one does while there is no other."""
    results = Results(tmp_path / "out")
    decomposed = unicodedata.normalize("NFD", name)
    old = (
        tmp_path
        / "out"
        / "reports"
        / (decomposed if len(decomposed) < 80 else "eee-123")
        / "01.json"
    )
    old.parent.mkdir(parents=True)
    old.write_text(report_of(tmp_path, decomposed, 0).model_dump_json())
    assert [(each.student, each.score) for each in results.all()] == [(name, 0)]
    results.save(report_of(tmp_path, decomposed, 10))
    assert [(each.student, each.score) for each in results.all()] == [(name, 10)]
    assert results.load(name, "01") == results.load(decomposed, "01") != None  # noqa: E711 - of both


def test_students_of_one_exercise_each_are_side_by_side(tmp_path: Path) -> None:
    """Tables have a line a student, also where folders are of both forms."""
    results = Results(tmp_path / "out")
    results.save(report_of(tmp_path, NFC, 10))
    other = report_of(tmp_path, NFD, 5).model_copy(update={"exercise": "02"})
    (tmp_path / "out" / "reports" / NFD).mkdir()
    (tmp_path / "out" / "reports" / NFD / "02.json").write_text(other.model_dump_json())
    results.save(report_of(tmp_path, "Zoe\u0301", 1))
    assert [each.student for each in results.all()].count(NFC) == 2
    assert results.students() == sorted({NFC, "Zoé"})


def test_a_file_system_that_knows_no_case_mixes_up_nobody(tmp_path: Path) -> None:
    """`ann` is shown the folder of `Ann`; a link stands for such a file system."""
    results = Results(tmp_path / "out")
    results.save(report_of(tmp_path, "Ann", 10))
    (tmp_path / "out" / "reports" / "ann").symlink_to("Ann")
    results.save(report_of(tmp_path, "ann", 3))
    scores = {
        name: (results.load(name, "01") or pytest.fail(name)).score for name in ("Ann", "ann")
    }
    assert scores == {"Ann": 10, "ann": 3}
    assert sorted((each.student, each.score) for each in results.all()) == [("Ann", 10), ("ann", 3)]
    names = FolderNames()
    assert len({names.of(name).casefold() for name in ("Ann", "ann", "ANN", NFC, NFD)}) == 4


@pytest.mark.parametrize("stored", [NFC, NFD])
def test_an_extension_is_found_by_either_form(tmp_path: Path, stored: str) -> None:
    """nbgrader's tables may have the name as its folder was spelled."""
    api = pytest.importorskip("nbgrader.api")
    exercise = load_course(write_tiny_course(tmp_path)).exercise("01")
    url = default_url(tmp_path)
    extend(url, "ann", exercise, timedelta())
    with api.Gradebook(url) as book:
        book.update_or_create_student(stored)
    for name in (NFD, NFC):
        extend(url, name, exercise, timedelta(days=2))
        found = lookup(extensions(url))
        assert found(NFC, "01") == found(NFD, "01") == timedelta(days=2)
    with api.Gradebook(url) as book:
        assert sorted(student.id for student in book.students) == sorted(["ann", stored])


def test_extend_takes_either_form(tmp_path: Path) -> None:
    """The command looks for results of the same person."""
    root = write_tiny_course(tmp_path)
    (root / "out" / "reports" / NFC).mkdir(parents=True)
    (root / "out" / "reports" / NFC / "01.json").touch()
    done = grader(root, "extend", "out", NFD, "01", "--days", "2")
    assert (done.returncode, done.stdout) == (0, f"{NFC} may hand in 01 2 days later\n")


def test_no_two_long_names_have_one_id() -> None:
    """Also where they differ after what nbgrader's tables hold."""
    one, other = (student_id("a" * 130 + end) for end in "bc")
    assert one != other
    assert len(one) == 128


LITTER = [
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    "__MACOSX/jane/._doubling.py",
    "__MACOSX/._jane",
    "jane/.DS_Store",
    "jane/._doubling.py",
    "jane/01/Desktop.ini",
    "ghost/.DS_Store",
]


@pytest.mark.parametrize("inside", ["folder", "zip", "a student's zip"])
def test_a_system_s_own_files_are_nobody_s_silently(tmp_path: Path, inside: str) -> None:
    """No line, no student, exit code 0."""
    root = write_tiny_course(tmp_path)
    files = dict.fromkeys(LITTER, b"\x00\x00") | {"jane/01/doubling.py": RIGHT.encode()}
    if inside == "folder":
        for name, data in files.items():
            (root / "class" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "class" / name).write_bytes(data)
    elif inside == "zip":
        (root / "class.zip").write_bytes(zipped(files))
    else:
        (root / "class.zip").write_bytes(zipped({"jane_1_2_work.zip": zipped(files), "._x": b""}))
    source = "class" if inside == "folder" else "class.zip"
    done = grader(root, "intake", source, "subs")
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert "1 submission of 1 student is in" in done.stdout
    assert [path.name for path in (root / "subs").iterdir()] == ["jane"]


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        (NFD, NFC),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("COM1", "_COM1"),
        ("Conny", "Conny"),
        ("Jane Doe. ", "Jane Doe"),
        ("a" * 99 + " b", "a" * 99),
        ("O'Neil", "O'Neil"),
        ("\u202eenaJ", "_enaJ"),
        ("🦉 Owl", "🦉 Owl"),
        ("דנה", "דנה"),
    ],
)
def test_a_folder_can_have_the_name_on_every_system(name: str, clean: str) -> None:
    """Windows has devices and no dots at an end; signs that turn text round are none of a name's."""
    assert clean_name(name) == clean


def test_no_two_names_become_one_folder_by_form() -> None:
    """On a system that knows neither case nor Unicode's forms."""
    chosen = folders([("ZOË", ""), ("zoe\u0308", "")], {}, ())
    assert len(set(chosen.values())) == 2
    assert all("-" in folder for folder in chosen.values())
