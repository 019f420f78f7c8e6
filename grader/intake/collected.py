"""What an intake found: files to be written, and lines for who runs it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Collected:
    """The files to write, and what was left over."""

    kind: str
    exercises: tuple[str, ...] = ()
    """Those that were looked for."""
    files: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    """By student and exercise: file names and contents."""
    students: set[str] = field(default_factory=set)
    """All who handed in anything, also what could not be used."""
    late: set[tuple[str, str]] = field(default_factory=set)
    """Whose newest attempt, of which exercise, the LMS marked as late."""
    stamps: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """When it was handed in, where the source says so: the text of nbgrader's timestamp.txt."""
    times: dict[str, datetime] = field(default_factory=dict)
    """By student: when all of it was handed in, where the source has a file that says so."""
    unmatched: list[str] = field(default_factory=list)
    """What belongs to nobody or to no exercise, and why; a line each."""
    doubtful: list[str] = field(default_factory=list)
    """Files that may be of two people, so that they are nobody's; a line each."""
    problems: list[str] = field(default_factory=list)
    """What somebody handed in and could not be read; a line each."""
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    """Student, exercise ("" where any may be meant), and why a file did not count; to be read by
    the student after "polling.py is missing"."""
    passed_over: Counter[str] = field(default_factory=Counter)
    """By student: how many files are no exercise's."""
    older: list[str] = field(default_factory=list)
    """Attempts, or files of them, that a newer one replaces."""
    chosen: set[tuple[str, str]] = field(default_factory=set)
    """By student and exercise: of which the version counts that its student chose, on Submitty."""
    left_out: dict[tuple[str, str], str] = field(default_factory=dict)
    """By student and exercise: what is older than what an earlier intake took; a line each."""
    replaced: list[str] = field(default_factory=list)
    """Work of earlier intakes in whose place other work comes; a line each."""
    staying: list[str] = field(default_factory=list)
    """Whose work of earlier intakes stays since this download has none; a line an exercise."""
    absent: list[str] = field(default_factory=list)
    """Teams of the file of teams of which nothing is in the download; a line."""
    inactive: list[str] = field(default_factory=list)
    """Versions that their student did not choose, on Submitty; a line each."""
    copies: list[str] = field(default_factory=list)
    """Files that were handed in twice at once and differ, and which was taken; a line each."""
    users: dict[str, str] = field(default_factory=dict)
    """By student: who that is in the LMS, such as `canvas 1001`, where its number never changes."""
    participants: dict[str, str] = field(default_factory=dict)
    """By student: who that is in an assignment of Moodle's, such as `moodle 2345607 2345601`."""
    teams: dict[str, str] = field(default_factory=dict)
    """By student: the team whose work it is, and its members."""
    around: list[str] = field(default_factory=list)
    """Folders that lie around the students' folders, and are nobody's name."""
    named: list[str] = field(default_factory=list)
    """Students by the names of files that lie in no student's folder."""
    namesakes: list[str] = field(default_factory=list)
    """Students whose name somebody else has too: the number behind it tells them apart."""
    renamed: list[str] = field(default_factory=list)
    """Whose number has a folder of another name; a line each."""
