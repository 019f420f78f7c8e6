"""Of what somebody handed in more than once, the newest; of copies, the one in its place."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from grader.intake.collected import Collected
from grader.intake.pieces import Piece


def take_newest(handed_in: Mapping[tuple[str, str], list[Piece]], found: Collected) -> None:
    """Keep of each submission the last attempt, with what the source says of its time.

    Where the source gives a time, an attempt is all that came then. Canvas gives none and numbers
    file by file, so there the newest of each file counts.
    """
    for (student, exercise), pieces in handed_in.items():
        times = {piece.owner.attempt.time for piece in pieces}
        found.older += [f"{student} {exercise}: an older attempt"] * (len(times) - 1)
        last = [piece for piece in pieces if piece.owner.attempt.time == max(times)]
        _tell_of_missing(student, exercise, pieces, last, found)
        newest = [
            _newest_of([piece for piece in last if piece.name == name], found)
            for name in sorted({piece.name for piece in last})
        ]
        found.files[student, exercise] = {piece.name: piece.data for piece in newest}
        if any(piece.owner.late for piece in newest):
            found.late.add((student, exercise))
        submitted = last[0].owner.submitted or found.times.get(student)
        if submitted is not None:  # in this machine's zone, as the LMS is taken to be
            # A year that no clock has is no time.
            with suppress(OverflowError, ValueError, OSError):
                stamp = f"{submitted.astimezone():%Y-%m-%d %H:%M:%S %z}\n"
                found.stamps[student, exercise] = stamp.encode()


def _tell_of_missing(
    student: str, exercise: str, pieces: list[Piece], last: list[Piece], found: Collected
) -> None:
    """Say which files an older attempt held and the newest does not, to both sides."""
    gone = sorted({piece.name for piece in pieces} - {piece.name for piece in last})
    for name in gone:
        why = f"the newest attempt holds no {name}, and an older one does"
        found.unmatched.append(f"{student} {exercise}: {why}")
        found.refused.append((student, exercise, why))


def _newest_of(pieces: list[Piece], found: Collected) -> Piece:
    """Return the last of one file's attempts; of copies in it the one in the course's layout."""
    attempts = {piece.owner.attempt for piece in pieces}
    # Of members of one name in an archive the last counts, as whoever unpacks it gets that.
    copies = [piece for piece in reversed(pieces) if piece.owner.attempt == max(attempts)]
    taken, *others = sorted(copies, key=lambda piece: piece.place)
    where = f"{taken.owner.student} {taken.exercise}"
    found.older += [f"{where}: an older {taken.name}"] * (len(attempts) - 1)
    differing = [piece for piece in others if piece.data != taken.data]
    if differing:
        more = f" or {len(differing) - 1} more" if len(differing) > 1 else ""
        other = differing[0].path
        shown = "one of that name before it" if other == taken.path else other
        found.copies.append(f"{where}: {taken.path} is taken, not {shown}{more}")
    return taken
