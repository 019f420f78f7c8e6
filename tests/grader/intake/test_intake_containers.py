"""What somebody hands in is judged by the files that can be an exercise's, and by no other."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from command_line import grader
from download import taken, zipped
from tiny_course import RIGHT, write_tiny_course

from grader.class_folder import find_submissions
from grader.course import Course, load_course
from grader.intake.archives import MAX_FILES
from grader.intake.collect import collect
from grader.intake.places import FileKind, kinds
from grader.intake.write import write_submissions

REPO = Path(__file__).resolve().parents[3]


@pytest.fixture
def whole_course() -> Course:
    """This course."""
    return load_course(REPO)


INSTALLED = [
    ".venv/lib/python3.11/site-packages/doubling.py",
    "env/lib/python3.11/doubling.py",
    "node_modules/x/doubling.py",
    "exercises/01/__pycache__/doubling.py",
    "exercises/01/.ipynb_checkpoints/doubling.ipynb",
    ".git/doubling.py",
    ".grader/before-reset/1/01/doubling.py",
]


def repository() -> bytes:
    """A whole repository with an environment: links, many and large files, nothing wrong."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(MAX_FILES + 1):
            archive.writestr(f"repo/.venv/lib/python3.11/site-packages/m{number}.py", b"")
        for name in INSTALLED:
            archive.writestr(f"repo/{name}", b"raise SystemExit\n")
        archive.writestr("repo/env/pyvenv.cfg", b"home = /usr/bin\n")
        archive.writestr("repo/data/events.ndjson", b"0" * (20 << 20))
        archive.writestr("repo/README.md", b"x")
        link = zipfile.ZipInfo("repo/.venv/bin/python")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/usr/bin/python3")
        archive.writestr("repo/exercises/01/doubling.py", RIGHT)
    return data.getvalue()


def test_a_whole_repository_is_taken_and_counted(tmp_path: Path) -> None:
    """One line for the student, exit code 0, and the one file that is the exercise's."""
    root = write_tiny_course(tmp_path)
    (root / "download.zip").write_bytes(zipped({"jane_1_2_work.zip": repository()}))
    done = grader(root, "intake", "download.zip", "subs")
    others = MAX_FILES + 1 + len(INSTALLED) + 4
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"is passed over: jane: {others:,} other files",
        "canvas: 1 submission of 1 student is in subs",
    ]
    assert (root / "subs/jane/01/doubling.py").read_text() == RIGHT


def test_a_folder_of_repositories_is_read_by_the_same_rule(course: Course, tmp_path: Path) -> None:
    """A link, a sparse giant and a closed folder in an environment are nobody's problem."""
    jane = tmp_path / "class" / "jane"
    for name in (*INSTALLED, "env/pyvenv.cfg"):
        (jane / name).parent.mkdir(parents=True, exist_ok=True)
        (jane / name).write_text("x")
    (jane / ".venv/bin").mkdir()
    (jane / ".venv/bin/python").symlink_to("/usr/bin/python3")
    with (jane / "events.ndjson").open("wb") as file:
        file.truncate(1 << 40)
    (jane / "doubling.py").write_text(RIGHT)
    found = collect(tmp_path / "class", course)
    assert found.files == {("jane", "01"): {"doubling.py": RIGHT.encode()}}
    assert not found.problems
    assert not found.copies
    assert found.passed_over == {"jane": len(INSTALLED) + 3}


OWN = ["grader/services/sqs.py", "resources/sqs.py", "tests/submissions/wheat/04/a/sqs.py"]


@pytest.mark.parametrize("inside", ["folder", "zip"])
@pytest.mark.parametrize("marker", ["exercises/01/polling.py", "course.toml"])
def test_the_course_s_own_program_is_no_submission(
    whole_course: Course, tmp_path: Path, inside: str, marker: str
) -> None:
    """In a copy of the course a file of that name counts only where a submission may lie."""
    files = {f"repo/{name}": b"the course's" for name in (*OWN, marker)}
    if inside == "zip":
        files = {"work.zip": zipped(files)}
    found = taken(whole_course, tmp_path, {f"jane/{name}": data for name, data in files.items()})
    assert not {exercise for _, exercise in found.files} - {"01"}
    assert not found.copies


def test_an_installed_copy_of_the_program_is_no_submission() -> None:
    """`pip install .` leaves one in `build/lib`, without the rest of the course."""
    for name in ("grader/services/sqs.py", "grader/compare/techniques/sqs.py"):
        assert kinds([PurePosixPath("build/lib", name)], {"sqs.py"}) == [FileKind.PASSED_OVER]
    assert kinds([PurePosixPath("grader/mine/sqs.py")], {"sqs.py"}) == [FileKind.WANTED]


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz", "tgz", "tar.xz", "tar.bz2", "TAR.GZ"])
def test_an_archive_inside_an_archive_is_opened(
    course: Course, tmp_path: Path, ending: str
) -> None:
    """One level, whatever packed it; what lies deeper is passed over."""

    def packed(name: str, data: bytes) -> bytes:
        if ending == "zip":
            return zipped({name: data})
        file = io.BytesIO()
        mode = {"gz": "w:gz", "tgz": "w:gz", "xz": "w:xz", "bz2": "w:bz2"}
        with tarfile.open(
            fileobj=file, mode=mode.get(ending.lower().rpartition(".")[2], "w")
        ) as tar:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        return file.getvalue()

    one = packed("repo/01/doubling.py", b"x")
    two = packed(f"week1/inner.{ending}", one)
    three = packed(f"a.{ending}", two)
    found = taken(
        course,
        tmp_path,
        {
            f"one_1_1_work.{ending}": one,
            f"two_2_2_work.{ending}": two,
            f"three_3_3_work.{ending}": three,
        },
    )
    assert found.files == {(name, "01"): {"doubling.py": b"x"} for name in ("one", "two")}
    assert found.students == {"one", "two", "three"}
    assert len(found.unmatched) == 1


def test_a_bad_file_costs_itself_alone(whole_course: Course, tmp_path: Path) -> None:
    """The other file of the exercise is taken, and the student reads about the one that is not."""
    work = zipped({"02/tail_pipe.py": b"x", "02/tcp_socket.py": b"0" * (8 << 20), "b.zip": b"PK"})
    found = taken(whole_course, tmp_path, {"jane_1_2_work.zip": work})
    assert found.files == {("jane", "02"): {"tail_pipe.py": b"x"}}
    assert found.problems == [
        "jane: work.zip holds a file that grows more than 200 times: 02/tcp_socket.py",
        "jane: work.zip/b.zip cannot be read: File is not a zip file",
    ]
    assert (
        "jane",
        "02",
        "work.zip was not taken: it holds a file that grows more than 200 times: 02/tcp_socket.py",
    ) in found.refused


NOT_TAKEN = {
    "work.rar": "work.rar was not taken: it is packed in a way that is not opened; hand in the file itself or a zip",
    "work.7z": "work.7z was not taken: it is packed in a way that is not opened; hand in the file itself or a zip",
    "report.docx": "report.docx was not taken: it is a document, and no program's source; hand in the file itself",
    "screen.png": "screen.png was not taken: it is a picture; hand in the file itself",
    "notes.txt": "notes.txt is no file of an exercise",
}


@pytest.mark.parametrize("inside", ["", "all.zip"])
@pytest.mark.parametrize("name", NOT_TAKEN)
def test_the_student_reads_why_nothing_was_taken(
    course: Course, tmp_path: Path, name: str, inside: str
) -> None:
    """Also of what is inside an archive; and it is one line for the instructor."""
    files = {name: b"x"}
    files = {"all.zip": zipped(files)} if inside else files
    download = {f"jane_1_{n}_{each}": data for n, (each, data) in enumerate(files.items(), 2)}
    found = taken(course, tmp_path, download | {"bob_3_9_doubling.py": b"x"})
    said = NOT_TAKEN[name].replace(name, f"all.zip/{name}" if inside else name)
    assert found.unmatched == [f"jane: {said}"]
    assert found.refused == [("jane", "01", said)]
    assert "jane" in found.students


def test_what_is_packed_otherwise_beside_good_work_is_said(
    whole_course: Course, tmp_path: Path
) -> None:
    """It may hold the exercise that is missing."""
    files = {"jane/01/polling.py": b"x", "jane/rest.7z": b"7z", "bob/04/sqs.py": b"x"}
    found = taken(whole_course, tmp_path, files)
    said = "rest.7z was not taken: it is packed in a way that is not opened; hand in the file itself or a zip"
    assert found.unmatched == [f"jane: {said}"]
    write_submissions(found, tmp_path / "subs")
    missing = {
        each.exercise.id: each.not_taken
        for each in find_submissions(
            tmp_path / "subs", whole_course, only=["jane"], exercise_id="04"
        )
    }
    assert missing == {"04": said}


TYPED = {
    "canvas": "jane_1_text.html",
    "moodle": "Jane_1_assignsubmission_onlinetext_/onlinetext.html",
}


@pytest.mark.parametrize("kind", TYPED)
def test_who_typed_text_into_the_lms_reads_that(course: Course, tmp_path: Path, kind: str) -> None:
    """Nothing of it is taken for code."""
    found = taken(course, tmp_path, {TYPED[kind]: b"<p>def double</p>"}, kind)
    (student,) = found.students
    said = "what was typed into the LMS was not taken: hand in the file itself"
    assert found.unmatched == [f"{student}: {said}"]
    assert found.refused == [(student, "01", said)]


def test_every_feedback_and_export_says_why(tmp_path: Path) -> None:
    """Pages, tables and documents: a zero with its reason."""
    root = write_tiny_course(tmp_path)
    download = {"jane_1001_2_work.rar": b"Rar!", "bob_1002_3_doubling.py": RIGHT.encode()}
    (root / "download.zip").write_bytes(zipped(download))
    assert grader(root, "intake", "download.zip", "subs").returncode == 1
    grader(root, "grade", "subs", "--out", "results", "--no-gradebook")
    assert grader(root, "report", "results").returncode == 0
    for kind in ("csv", "canvas", "moodle", "json", "junit", "gradescope"):
        target = "scope" if kind == "gradescope" else f"all.{kind}"
        done = grader(root, "export", "results", target, "--format", kind)
        assert done.returncode == 0, done.stderr
    pages = [root / f"results/feedback/jane.{ending}" for ending in ("html", "md")]
    exports = [root / f"all.{kind}" for kind in ("csv", "canvas", "moodle", "json", "junit")]
    for path in (*pages, *exports, root / "scope/jane/01/results.json"):
        text = path.read_text().replace("\\", "").replace("&#39;", "'")
        assert "work.rar was not taken: it is packed in a way that is not opened" in text, path
        assert "bob was not" not in text
    assert (root / "all.csv").read_text().count("work.rar") == 1


def test_folders_of_sparse_files_have_a_total(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes no room on the disk would take it in memory."""
    monkeypatch.setattr("grader.intake.archives.MAX_TOTAL", 20 << 20)
    for number in range(4):
        path = tmp_path / "class" / "jane" / str(number) / "doubling.py"
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            os.truncate(file.fileno(), 15 << 20)
    found = collect(tmp_path / "class", course, "folder")
    assert [line.partition(" ")[2] for line in found.problems] == [
        "comes after 20 MB of files, which is too much"
    ] * 2


@pytest.mark.parametrize("nested", ["a zip in a zip", "a folder in a zip", "both"])
def test_a_class_that_was_packed_again_is_unpacked(
    course: Course, tmp_path: Path, nested: str
) -> None:
    """As programs do that pack a folder, or a browser that packs a download."""
    files = {f"{who}/exercises/01/doubling.py": who.encode() for who in ("jane", "bob")}
    if nested != "a zip in a zip":
        files = {f"class/{name}": data for name, data in files.items()}
    data = zipped(files | {"__MACOSX/._class": b""})
    if nested != "a folder in a zip":
        data = zipped({"class.zip": data, ".DS_Store": b""})
    source = tmp_path / "class.zip"
    source.write_bytes(data)
    found = collect(source, course)
    assert found.files == {(who, "01"): {"doubling.py": who.encode()} for who in ("jane", "bob")}


def test_one_student_s_archive_is_no_class(course: Course, tmp_path: Path) -> None:
    """A download of one upload stays that student's, by its name."""
    found = taken(course, tmp_path, {"jane_1_2_work.zip": zipped({"bob/doubling.py": b"x"})})
    assert set(found.files) == {("jane", "01")}


@pytest.mark.parametrize("files", [{}, {".DS_Store": b"", "__MACOSX/._x": b""}, {".": b"x"}])
def test_an_empty_download_is_said(tmp_path: Path, files: dict[str, bytes]) -> None:
    """Exit code 2, one line, nothing written; a file without a name counts for nothing either."""
    root = write_tiny_course(tmp_path)
    (root / "download.zip").write_bytes(zipped(files))
    done = grader(root, "intake", "download.zip", "subs")
    assert (done.returncode, done.stdout) == (2, "")
    assert "download.zip holds no files" in done.stderr
    assert not (root / "subs").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_members_of_one_name_the_last_counts(course: Course, tmp_path: Path) -> None:
    """Whoever unpacks the archive gets that one; where they differ, a line says so."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for content in ("old", "new"):
            archive.writestr("doubling.py", content)
    found = taken(course, tmp_path, {"jane/work.zip": data.getvalue(), "bob/doubling.py": b"x"})
    assert found.files["jane", "01"] == {"doubling.py": b"new"}
    assert found.copies == [
        "jane 01: work.zip/doubling.py is taken, not one of that name before it"
    ]
