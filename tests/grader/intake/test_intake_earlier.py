"""A second intake into a folder: who is known again, newer work stays, and what changes is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from download import zipped
from tiny_course import write_tiny_course

from grader.intake.collected import Collected
from grader.intake.earlier import Earlier, Participant, earlier_in, known_participants
from grader.intake.replaced import keep_newer
from grader.intake.write import known_users, write_submissions

WORK = "doubling.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The tiny course."""
    return write_tiny_course(tmp_path)


def _take(root: Path, files: dict[str, str], *options: str) -> tuple[int, list[str]]:
    """Take a download into `subs`: exit code and lines."""
    (root / "download.zip").write_bytes(zipped({n: text.encode() for n, text in files.items()}))
    done = grader(root, "intake", "download.zip", "subs", *options)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def _work(root: Path) -> dict[str, str]:
    """By student: the work that is there."""
    found = sorted((root / "subs").glob(f"*/01/{WORK}"))
    return {path.parts[-3]: path.read_text() for path in found}


def _moodle(*people: tuple[str, int]) -> dict[str, str]:
    return {f"{who}_{n}_assignsubmission_file/{WORK}": f"{who} {n}" for who, n in people}


CLASS = (("Jane Doe", 11), ("Zoe Kim", 12), ("Bo Ng", 13))


def test_moodle_s_namesake_keeps_the_folder_of_the_number(root: Path) -> None:
    """Alone in a later download of the assignment, and said; the other one's work stays."""
    _take(root, _moodle(*CLASS, ("Kim Lee", 16), ("Kim Lee", 17)))
    code, lines = _take(root, {**_moodle(*CLASS), **dict.fromkeys(_moodle(("Kim Lee", 17)), "new")})
    assert code == 0
    assert _work(root)["Kim Lee-17"] == "new"
    assert _work(root)["Kim Lee-16"] == "Kim Lee 16"
    assert "Kim Lee" not in _work(root)
    assert "replaces what an earlier intake took: Kim Lee-17 01" in lines
    assert "is not in this download, and stays: 01 of Kim Lee-16" in lines


def test_moodle_s_namesake_who_comes_later_gets_a_folder_of_the_own(root: Path) -> None:
    """Whose number is another one in the same assignment is somebody else."""
    _take(root, _moodle(*CLASS, ("Kim Lee", 16)))
    _take(root, _moodle(*CLASS, ("Kim Lee", 17)))
    assert _work(root)["Kim Lee"] == "Kim Lee 16"
    assert _work(root)["Kim Lee-17"] == "Kim Lee 17"


@pytest.mark.parametrize("others", [(), CLASS])
def test_moodle_s_namesake_comes_beside_who_is_there(
    root: Path, others: tuple[tuple[str, int], ...]
) -> None:
    """Nobody gets into the folder of the one whose number it is, also where they are alone."""
    _take(root, _moodle(*others, ("Kim Lee", 16)))
    _take(root, _moodle(*others, ("Kim Lee", 15), ("Kim Lee", 16)))
    assert _work(root)["Kim Lee"] == "Kim Lee 16"
    assert _work(root)["Kim Lee-15"] == "Kim Lee 15"


def test_who_was_renamed_in_moodle_is_one_person(root: Path) -> None:
    """In a download of the same assignment, which others' names and numbers show."""
    _take(root, _moodle(*CLASS))
    _, lines = _take(root, _moodle(("Jane Smith", 11), *CLASS[1:]))
    assert _work(root)["Jane Doe"] == "Jane Smith 11"
    assert "Jane Smith" not in _work(root)
    assert "has a folder by its number: Jane Smith has the number of Jane Doe" in lines


def test_a_number_of_moodle_s_that_may_be_somebody_else_s_is_asked_about(root: Path) -> None:
    """Nothing shows that it is the same assignment; a renamed folder answers."""
    _take(root, _moodle(*CLASS))
    files = _moodle(("Jane Smith", 11), ("Al Po", 19))
    code, lines = _take(root, files)
    assert code == 1
    (line,) = (line for line in lines if "Jane Smith" in line)
    assert "has the number 11, which Jane Doe had in an earlier download" in line
    assert set(_work(root)) == {"Jane Doe", "Zoe Kim", "Bo Ng", "Al Po"}
    (root / "subs/Jane Doe").rename(root / "subs/Jane Smith")
    assert _take(root, files)[0] == 0
    assert _work(root)["Jane Smith"] == "Jane Smith 11"


def test_who_was_marked_without_a_name_is_asked_about(root: Path) -> None:
    """The number is in the folder's name; under a name the work would be a second person's."""
    _take(root, _moodle(("Participant", 11), ("Participant", 12)))
    code, lines = _take(root, _moodle(*CLASS))
    assert code == 1
    (line,) = (line for line in lines if "Jane Doe" in line)
    assert "call the folder Participant 11 Jane Doe" in line
    assert set(_work(root)) == {"Participant 11", "Participant 12", "Bo Ng"}


def test_moodle_s_numbers_of_another_assignment_change_nothing(root: Path) -> None:
    """Everybody has another one there, and keeps the folder; both numbers are kept."""
    _take(root, _moodle(*CLASS))
    second = _moodle(*((name, number + 100) for name, number in CLASS))
    assert _take(root, second)[0] == 0
    assert set(_work(root)) == {name for name, _ in CLASS}
    found = earlier_in(root / "subs").participants
    assert found["11"] == ("Jane Doe", "11")
    assert found["111"] == ("Jane Doe", "111")
    assert known_users(root / "subs") == {}
    assert (root / "subs/Jane Doe/lms-user.txt").read_text() == "moodle 11 11\nmoodle 111 111\n"


def test_one_of_two_namesakes_in_another_assignment_is_neither(root: Path) -> None:
    """Nothing tells which of them it is, so the number is in the folder's name again."""
    _take(root, _moodle(*CLASS, ("Kim Lee", 16), ("Kim Lee", 17)))
    _, lines = _take(root, _moodle(("Kim Lee", 116), ("Al Po", 117)))
    assert _work(root)["Kim Lee-116"] == "Kim Lee 116"
    assert "has a namesake, so a number: Kim Lee-116" in lines


def test_a_coincidence_makes_no_assignment_the_same() -> None:
    """A download of another Moodle's: one has the same number, and the others' differ."""
    there = Earlier(
        frozenset({"Jane", "Bo", "Zoe"}),
        {str(n): Participant(who, "1") for n, who in enumerate(("Jane", "Bo", "Zoe"), 1)},
    )
    found = known_participants({("Jane", "1"), ("Bo", "7"), ("Zoe", "8")}, there)
    assert found.others == set()
    assert found.kept == {("Jane", "1"): "Jane"}


def _list(*people: tuple[int, str, str]) -> str:
    return "---\n" + "".join(
        f"submission_{number}:\n  :submitters:\n  - :name: {name}\n    :sid: '{sid}'\n"
        f"    :email: {sid}@x.edu\n  :created_at: 2026-11-29 10:00:00.000000000 Z\n"
        for number, name, sid in people
    )


def _gradescope(*people: tuple[int, str, str]) -> dict[str, str]:
    top = "assignment_9_export"
    work = {f"{top}/submission_{number}/{WORK}": name for number, name, _ in people}
    return {f"{top}/submission_metadata.yml": _list(*people), **work}


def test_gradescope_s_number_of_a_student_lasts(root: Path) -> None:
    """A new name is the same person, and another number somebody else of that name."""
    _take(root, _gradescope((1, "Jane Doe", "1001"), (2, "Kim Lee", "1003")))
    again = [(3, "Jane Smith", "1001"), (4, "Kim Lee", "1003"), (5, "Kim Lee", "1004")]
    _, lines = _take(root, _gradescope(*again))
    assert _work(root) == {
        "Jane Doe": "Jane Smith",
        "Kim Lee": "Kim Lee",
        "Kim Lee-1004": "Kim Lee",
    }
    assert "has a folder by its number: Jane Smith has the number of Jane Doe" in lines
    assert known_users(root / "subs")["Kim Lee-1004"] == "gradescope 1004"


def test_a_number_that_two_have_on_gradescope_is_nobody_s(root: Path) -> None:
    """The part of an address before the at-sign may be two people's."""
    _take(root, _gradescope((1, "Jane Doe", "7"), (2, "Kim Lee", "7")))
    assert _work(root) == {"Jane Doe": "Jane Doe", "Kim Lee": "Kim Lee"}
    assert known_users(root / "subs") == {}


def _brightspace(**days: int) -> dict[str, str]:
    return {
        f"{number}-5 - {who} - Nov {day}, 2026 1010 AM/{WORK}": f"{who} {day}"
        for number, (who, day) in enumerate(days.items(), 1)
    }


def test_newer_work_stays_where_both_times_are_known(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older download adds who is missing, and replaces nobody's; dry, the same is said."""
    monkeypatch.setenv("TZ", "UTC")
    _take(root, _brightspace(Jane=20, Zoe=20))
    for dry in (["--dry-run"], []):
        code, lines = _take(root, _brightspace(Jane=19, Zoe=21, Bo=3), *dry)
        assert code == 0
        assert (
            "is older than what is there: Jane 01, of 2026-11-19 10:10 +0000: "
            "there is one of 2026-11-20 10:10 +0000"
        ) in lines
        assert "replaces what an earlier intake took: Zoe 01" in lines
        assert not any("nothing" in line for line in lines)
    assert _work(root) == {"Jane": "Jane 20", "Zoe": "Zoe 21", "Bo": "Bo 3"}


def test_what_stays_of_whom_nothing_counts_is_a_line(root: Path) -> None:
    """The older work is graded, and would pass for the newest."""
    _take(root, {f"{who}/{WORK}": "old" for who in ("jane", "bo", "zoe")})
    code, lines = _take(root, {f"bo/{WORK}": "old", "jane/notes.txt": "", f"al/{WORK}": "x"})
    assert code == 1
    assert any(
        "jane 01: nothing in this download counts, so what an earlier intake took is graded" in line
        for line in lines
    )
    assert "is not in this download, and stays: 01 of zoe" in lines
    assert not any("replaces" in line for line in lines)


def test_a_file_that_came_earlier_only_is_a_line(tmp_path: Path) -> None:
    """Both sides are told that the new submission is without it; what intake wrote is no file."""
    files = {"tail_pipe.py": b"x", "tcp_socket.py": b"y"}
    found = Collected("folder", files={("jane", "02"): files}, students={"jane"})
    write_submissions(found, tmp_path)
    (tmp_path / "jane/02/team.txt").write_text("")
    again = Collected("folder", files={("jane", "02"): {"tail_pipe.py": b"new"}}, students={"jane"})
    keep_newer(again, tmp_path)
    why = "an earlier submission held tcp_socket.py, and this one does not"
    assert again.unmatched == [f"jane 02: {why}"]
    assert again.refused == [("jane", "02", why)]
    assert again.replaced == ["jane 02"]


def test_the_version_that_was_chosen_goes_before_a_newer_one(tmp_path: Path) -> None:
    """On Submitty a student may go back to an older one."""

    def of(day: int, chosen: set[tuple[str, str]]) -> Collected:
        stamp = f"2026-11-{day} 10:00:00 +0000\n".encode()
        files = {("jane", "01"): {WORK: b"%d" % day}}
        stamps = {("jane", "01"): stamp}
        return Collected("folder", files=files, stamps=stamps, students={"jane"}, chosen=chosen)

    write_submissions(of(20, set()), tmp_path)
    for chosen in (set(), {("jane", "01")}):
        found = of(19, chosen)
        keep_newer(found, tmp_path)
        assert bool(found.files) is bool(chosen)
        assert bool(found.left_out) is not bool(chosen)
