"""Which submissions are nearly identical: the same code under other names, comments or layout.

A sign for a person to look, no proof: exercises this small have few good solutions. What the stub
gave is no part of the comparison.
"""

from __future__ import annotations

import builtins
import io
import keyword
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from grader.course import Course, Exercise
from grader.errors import INSTALL_INSTRUCTOR, GraderError
from grader.source_file import NotTaken, text_of
from grader.submission import Submission

THRESHOLD = 0.85
"""Share of the tokens in common, in order, from which on two submissions are shown. Right solutions
of this course that share no code reach 0.59, 0.57, 0.66, 0.63, 0.65, 0.67 and 0.65 in exercises 00
to 06; one with a line changed and every name, 0.95."""
_LEAST = 120
"""Tokens of one's own; fewer are alike by chance. The usual solution of the
warm-up has some 60, and most students find it; those of the other exercises have over 300."""
_SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
_BUILTINS = frozenset(dir(builtins))
_LONGEST_TEXT = 64 << 10
_LONGEST_LINE = 300
"""Characters that are compared. A file of an exercise has some thousand, in lines of a hundred."""
_Line = tuple[str, ...]


@dataclass(frozen=True)
class SimilarPair:
    """Two students whose code of an exercise is nearly the same."""

    one: str
    other: str
    share: float
    """Of their tokens, 0 to 1."""


@dataclass(frozen=True)
class Group:
    """Students each of whom handed in nearly the same as another of the group."""

    students: tuple[str, ...]
    """In order of their names."""
    pairs: int
    """Pairs of them that are nearly identical."""
    least: float
    """Share of the pair that has least in common of these, 0 to 1."""
    closest: SimilarPair


@dataclass(frozen=True)
class Similar:
    """The nearly identical submissions of an exercise."""

    groups: tuple[Group, ...] = ()
    """The closest first; nobody is in two."""

    @property
    def students(self) -> frozenset[str]:
        """Everybody who is in a group."""
        return frozenset(student for group in self.groups for student in group.students)


def nearly_identical(submissions: Iterable[Submission], course: Course) -> Mapping[str, Similar]:
    """By exercise: who handed in nearly the same.

    Raises:
        GraderError: the library that compares them is not installed.
    """
    try:
        from rapidfuzz.distance import Indel  # noqa: PLC0415 - of the instructor's packages
    except ImportError:
        raise GraderError(
            "comparing submissions needs rapidfuzz, which is not installed", INSTALL_INSTRUCTOR
        ) from None
    letters: dict[str, str] = {}
    stubs = {each.id: frozenset(_stub_lines(course, each)) for each in course.exercises}
    texts: dict[str, list[tuple[Submission, str]]] = {}
    for submission in submissions:
        own = own_tokens(submission.files, stubs[submission.exercise.id])
        text = "".join(letters.setdefault(token, chr(0x100 + len(letters))) for token in own)
        if len(text) >= _LEAST:
            texts.setdefault(submission.exercise.id, []).append((submission, text))

    def pairs(of: list[tuple[Submission, str]]) -> Iterator[SimilarPair]:
        for (one, first), (other, second) in combinations(of, 2):
            if one.hash == other.hash:
                continue  # identical: marked as that, and not to crowd out who is less sure
            if one.team and one.team == other.team:
                continue  # one submission of both
            share = Indel.normalized_similarity(first, second, score_cutoff=THRESHOLD)
            if share:
                yield SimilarPair(one.student, other.student, share)

    return {exercise: Similar(grouped(pairs(of))) for exercise, of in texts.items()}


def grouped(pairs: Iterable[SimilarPair]) -> tuple[Group, ...]:
    """Return the groups that pairs make, the closest first: whoever shares a student is in one.

    A class in which everybody copied has more pairs than are worth keeping: of each group only its
    figures are.
    """
    leader: dict[str, str] = {}
    figures: dict[str, tuple[int, float, SimilarPair]] = {}
    """By leader: how many pairs, the least share, the closest pair."""

    def lead(student: str) -> str:
        leader.setdefault(student, student)
        while leader[student] != student:
            leader[student] = leader[leader[student]]
            student = leader[student]
        return student

    for pair in pairs:
        one, other = lead(pair.one), lead(pair.other)
        known = [figures.pop(each) for each in {one, other} if each in figures]
        leader[other] = one
        counts, shares, closest = zip((1, pair.share, pair), *known, strict=True)
        figures[one] = (sum(counts), min(shares), min(closest, key=_closeness))
    members: dict[str, list[str]] = {}
    for student in sorted(leader):
        members.setdefault(lead(student), []).append(student)
    groups = [Group(tuple(members[each]), *found) for each, found in figures.items()]
    return tuple(sorted(groups, key=lambda group: _closeness(group.closest)))


def _closeness(pair: SimilarPair) -> tuple[float, str, str]:
    return -pair.share, pair.one, pair.other


def own_tokens(files: Mapping[str, bytes], given: frozenset[_Line]) -> list[str]:
    """Return what the student wrote, token by token; names, texts and numbers are all alike."""
    return [
        token
        for _, data in sorted(files.items())
        for line in _lines(_text(data))
        if line not in given
        for token in line
    ]


def _stub_lines(course: Course, exercise: Exercise) -> Iterator[_Line]:
    for name in exercise.files:
        stub = course.folder(exercise) / name
        if stub.is_file():
            yield from _lines(_text(stub.read_bytes()))


def _text(data: bytes) -> str:
    try:
        return text_of(data)
    except NotTaken:  # nothing of it runs, and none of it is compared
        return ""


def _lines(text: str) -> Iterator[_Line]:
    """Yield the logical lines of a program without comments and docstrings.

    tokenize takes time in the square of a line's length, so long ones are cut.
    """
    text = "\n".join(each[:_LONGEST_LINE] for each in text[:_LONGEST_TEXT].split("\n"))
    line: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NEWLINE:
                if line != ["text"]:  # a docstring
                    yield tuple(line)
                line = []
            elif token.type not in _SILENT and token.string:
                line.append(_kind(token, line))
    except (tokenize.TokenError, SyntaxError):
        pass  # what comes before the fault is compared
    if line:
        yield tuple(line)


def _kind(token: tokenize.TokenInfo, before: list[str]) -> str:
    """Return the token as it is compared: a library's words count, a student's names do not."""
    match token.type:
        case tokenize.NAME:
            known = keyword.iskeyword(token.string) or token.string in _BUILTINS
            return token.string if known or before[-1:] == ["."] else "name"
        case tokenize.STRING:
            return "text"
        case tokenize.NUMBER:
            return "number"
    return token.string
