"""Work of teams: a row for each member, by a names file; and names that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from download import taken, zipped
from tiny_course import RIGHT, write_tiny_course

from grader.class_folder import find_submissions
from grader.course import Course
from grader.errors import GraderError
from grader.intake.collect import Collected, collect
from grader.intake.people import read_numbers, read_teams
from grader.intake.tables import read_table
from grader.intake.write import write_submissions


def with_teams(
    course: Course, tmp_path: Path, download: dict[str, bytes], table: str, **more: object
) -> Collected:
    """What intake makes of a download with a names file."""
    (tmp_path / "download.zip").write_bytes(zipped(download))
    (tmp_path / "teams.csv").write_text(table)
    teams = read_teams(tmp_path / "teams.csv")
    return collect(tmp_path / "download.zip", course, teams=teams, **more)  # type: ignore[arg-type]


DOWNLOADS = {
    "Canvas": ("team_3_1103_5103_doubling.py", "Team 3"),
    "Canvas, late": ("theowls_LATE_1103_5103_doubling.py", "The Owls!"),
    "Moodle's teams": ("Group A_17_assignsubmission_file_/doubling.py", "Group A"),
    "Moodle's teams in one name": ("Group-A_17_assignsubmission_file_doubling.py", "Group-A"),
    "Moodle without a group": ("Default group_assignsubmission_file_/doubling.py", "Default group"),
    "Moodle in German": ("Standard-Gruppe_assignsubmission_file_/doubling.py", "Standard-Gruppe"),
    "Brightspace": ("1-2 - Group 1 - Nov 3, 2026 1159 PM/doubling.py", "Group 1"),
    "folders": ("owls/01/doubling.py", "Owls"),
}


@pytest.mark.parametrize("case", DOWNLOADS)
def test_each_member_has_a_row(course: Course, tmp_path: Path, case: str) -> None:
    """The team's work, its mark of being late and its time; the team itself has none."""
    name, team = DOWNLOADS[case]
    table = f"team,student\n{team},Jane Doe\n{team},Bob Ray\nothers,Cy Ng\n"
    found = with_teams(course, tmp_path, {name: b"x"}, table)
    assert found.files == {(who, "01"): {"doubling.py": b"x"} for who in ("Jane Doe", "Bob Ray")}
    assert found.students == {"Jane Doe", "Bob Ray"}
    assert set(found.teams) == {"Jane Doe", "Bob Ray"}
    (shown,) = set(found.teams.values())
    assert shown.endswith(": Bob Ray, Jane Doe")
    assert len(found.late) == 2 * ("LATE" in name)
    assert len(found.stamps) == 2 * (case == "Brightspace")
    assert not found.unmatched
    assert not found.doubtful


def test_whose_work_it_is_lies_beside_it(course: Course, tmp_path: Path) -> None:
    """For the class's page: no copies of one another. Who handed in alone later has no such mark."""
    name = "Group A_17_assignsubmission_file_/doubling.py"
    found = with_teams(course, tmp_path, {name: b"x"}, "Group A,Jane Doe,Bob Ray\n")
    write_submissions(found, tmp_path / "subs")
    teams = {each.student: each.team for each in find_submissions(tmp_path / "subs", course)}
    assert teams == dict.fromkeys(("Bob Ray", "Jane Doe"), "Group A: Bob Ray, Jane Doe")
    later = {"Jane Doe_18_assignsubmission_file_/doubling.py": b"y"}
    write_submissions(taken(course, tmp_path, later), tmp_path / "subs")
    teams = {each.student: each.team for each in find_submissions(tmp_path / "subs", course)}
    assert teams == {"Bob Ray": "Group A: Bob Ray, Jane Doe", "Jane Doe": ""}


def test_default_group_without_a_number_is_taken(course: Course, tmp_path: Path) -> None:
    """Also without a names file: a row of that name."""
    name = "Default group_assignsubmission_file_/doubling.py"
    found = taken(
        course, tmp_path, {name: b"x", "Group A_1_assignsubmission_file_/doubling.py": b"y"}
    )
    assert found.kind == "moodle"
    assert found.students == {"Default group", "Group A"}
    assert not found.unmatched


def test_members_under_their_own_names_need_no_team(course: Course, tmp_path: Path) -> None:
    """Older versions of Moodle have the team's name and the member's, for each member."""
    download = {
        f"Group A-{who}_{n}_assignsubmission_file_/doubling.py": b"x"
        for n, who in enumerate(("Jane Doe", "Bob Ray"), 1)
    }
    found = with_teams(course, tmp_path, download, "Group A,Jane Doe,Bob Ray\n")
    assert set(found.files) == {("Jane Doe", "01"), ("Bob Ray", "01")}
    assert found.teams == dict.fromkeys(("Jane Doe", "Bob Ray"), "Group A: Bob Ray, Jane Doe")
    assert not found.unmatched


def test_members_keep_the_folder_that_they_have(course: Course, tmp_path: Path) -> None:
    """By Canvas's number: of an earlier intake, or of their own files in this download."""
    download = {
        "the_owls_1101_5101_doubling.py": b"team",
        "raybob_1102_5102_notes.txt": b"own",
    }
    table = "group_name,name,canvas_user_id\nThe Owls,Jane Doe,1101\nThe Owls,Bob Ray,1102\n"
    found = with_teams(course, tmp_path, download, table, known={"doejane": "canvas 1101"})
    assert set(found.files) == {("doejane", "01"), ("raybob", "01")}
    assert found.users == {"doejane": "canvas 1101", "raybob": "canvas 1102"}


def test_a_team_that_the_file_does_not_name_is_a_line(tmp_path: Path) -> None:
    """Its work is kept as one row, and the exit code is 1; somebody named needs no team."""
    root = write_tiny_course(tmp_path)
    download = {
        f"{name}_{n}_assignsubmission_file_/doubling.py": RIGHT.encode()
        for n, name in enumerate(("Team A", "Team B", "Jane Doe"), 1)
    }
    (root / "download.zip").write_bytes(zipped(download))
    (root / "teams.csv").write_text("Team A,Ann,Bob\nTeam C,Jane Doe\n")
    done = grader(root, "intake", "download.zip", "subs", "--teams", "teams.csv")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "did not count: Team B: teams.csv names no members of it"
    assert {path.name for path in (root / "subs").iterdir()} == {"Ann", "Bob", "Jane Doe", "Team B"}
    done = grader(root, "intake", "download.zip", "subs", "--teams", "nowhere.csv")
    assert (done.returncode, "nowhere.csv cannot be read" in done.stderr) == (2, True)


def test_a_member_of_two_teams_is_asked_about(course: Course, tmp_path: Path) -> None:
    """Neither team's work is the member's; the reason is there to read, and the others have rows."""
    download = {f"Team {t}_{t}_assignsubmission_file_/doubling.py": b"x" for t in (1, 2)}
    table = "Student;Groups\nJane;Team 1, Team 2, Tutorial 9\nBob;Team 1\nCy;Team 2\n"
    found = with_teams(course, tmp_path, download, table)
    assert set(found.files) == {("Bob", "01"), ("Cy", "01")}
    assert found.doubtful == ["Jane: the teams Team 1 and Team 2 both handed in"]
    assert found.refused == [("Jane", "01", "the teams Team 1 and Team 2 both handed in")]
    assert "Jane" in found.students


TABLES = {
    "commas": b"team,student\nA,Zo\xc3\xab\n",
    "BOM and semicolons": b"\xef\xbb\xbfTeam;Student\r\nA;Zo\xc3\xab\r\n",
    "Excel's line": b"sep=;\r\nteam;student\r\nA;Zo\xc3\xab\r\n",
    "Excel's Unicode text": "team\tstudent\nA\tZoë\n".encode("utf-16"),
    "Windows-1252": b"team;student\nA;Zo\xeb\n",
    "decomposed": "team,student\nA,Zoe\u0308\n".encode(),
    "other columns first": "Vorname;Nachname;Gruppe\nZoë;;A\n".encode(),
    "without a header": "A,Zoë\n".encode(),
    "quotes and blank lines": '\n\n"team" , "student"\n\n"A","Zoë"\n,\n'.replace(" ,", ",")
    .replace(", ", ",")
    .encode(),
    "Canvas's groups": "name,canvas_user_id,user_id,login_id,sections,group_name\nZoë,,x,zoe,1,A\n".encode(),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_names_file_is_any_program_s_csv(tmp_path: Path, case: str) -> None:
    """Separators, encodings, and columns under the names that an LMS gives them."""
    (tmp_path / "teams.csv").write_bytes(TABLES[case])
    assert read_teams(tmp_path / "teams.csv").of("a") == (("Zoë", ""),)


NO_TABLES = {
    "empty": (b"", "names no team and its members"),
    "blank": (b"\n,,\n", "names no team and its members"),
    "no members": (b"team,mark\nA,1\n", "names no team and its members"),
    "a workbook": (b"PK\x03\x04xl", "is a workbook of Excel or LibreOffice"),
    "an old workbook": (b"\xd0\xcf\x11\xe0x", "is a workbook of Excel"),
    "no text": (b"A,b\0\n", "is no text"),
    "a cell without end": (b'A,"' + b"x" * 200_000 + b"\n", "is no CSV file"),
    "two names alike": (
        b"team,student\nTeam 1,a\nTeam_1,b\n",
        "names two teams that an LMS may write alike",
    ),
}


@pytest.mark.parametrize("case", NO_TABLES)
def test_what_is_no_names_file_is_one_sentence(tmp_path: Path, case: str) -> None:
    """What is wrong with it, and the next step."""
    data, said = NO_TABLES[case]
    (tmp_path / "teams.csv").write_bytes(data)
    with pytest.raises(GraderError, match=said) as raised:
        read_teams(tmp_path / "teams.csv")
    assert raised.value.help


def test_a_gradebook_of_canvas_s_is_a_roster(tmp_path: Path) -> None:
    """Its numbers, without the lines that are no student."""
    table = 'Student,ID,SIS User ID,SIS Login ID,Section\n,,,,Manual Posting\n    Points Possible,,,,\n"Doe, Jane",1011,,doej,A\n"Student, Test",1099,,x,A\n'
    (tmp_path / "grades.csv").write_text(table)
    assert read_numbers(tmp_path / "grades.csv") == {"1011", "1099"}
    assert read_table(tmp_path / "grades.csv")[3][0] == "Doe, Jane"


ANONYMOUS = {
    "English": ("Participant", "Participant"),
    "German": ("Teilnehmerin", "Teilnehmerin"),
    "German, with its slash": ("Teilnehmer/in", "Teilnehmerin"),
    "German, with a star": ("Teilnehmer*in", "Teilnehmer_in"),
    "Spanish": ("Participante", "Participante"),
    "Czech": ("Účastník", "Účastník"),
    "Korean": ("참가자", "참가자"),
    "in a group": ("Group A-Participante", "Participante"),
    "a language that nobody here knows": ("Ibalat", "Ibalat"),
}


@pytest.mark.parametrize("case", ANONYMOUS)
def test_anonymous_participants_are_no_namesakes(course: Course, tmp_path: Path, case: str) -> None:
    """Moodle numbers them within an assignment: the word for them is nobody's name."""
    word, shown = ANONYMOUS[case]
    files = {f"{word}_{n}_assignsubmission_file_/doubling.py": b"x" for n in (100, 101, 102)}
    found = taken(course, tmp_path, files)
    assert found.students == {f"{shown} {n}" for n in (100, 101, 102)}
    assert not found.namesakes
    assert len(found.files) == 3


def test_a_team_of_which_nothing_came_is_a_line(course: Course, tmp_path: Path) -> None:
    """All such in one; not where a member handed in alone."""
    name = "Team A_1_assignsubmission_file_/doubling.py"
    alone = "Di Oz_2_assignsubmission_file_/doubling.py"
    table = "team,student\nTeam A,Jane Doe\nGamma,Cy Ng\nDelta,Al Po\nEta,Di Oz\n"
    found = with_teams(course, tmp_path, {name: b"x", alone: b"x"}, table)
    (line,) = found.absent
    assert line.startswith("Gamma, Delta, by ")
    assert not found.unmatched
