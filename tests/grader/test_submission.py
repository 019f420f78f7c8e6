"""When a submission came, as nbgrader and intake write it down."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from grader.submission import read_timestamp


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-11-30 12:00:00 UTC", 12),
        ("2026-11-30 12:00:00.123456 UTC\n", 12),
        ("2026-11-30T12:00:00 +0100", 11),
        ("2026-11-30 12:00:00 -02:00", 14),
        ("2026-11-30 12:00:00 Europe/Berlin", 11),
        ("2026-11-30 12:00:00", 12),
        ("2026-11-30T12:00:00Z", 12),
    ],
)
def test_a_timestamp_is_read_with_its_zone(tmp_path: Path, text: str, hour: int) -> None:
    """Without a zone it is UTC, as in nbgrader."""
    (tmp_path / "timestamp.txt").write_text(text)
    found = read_timestamp(tmp_path)
    assert found is not None
    found = found.astimezone(UTC)
    assert (found.date().isoformat(), found.hour) == ("2026-11-30", hour)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01 00:00:00 UTC", "2026-11-30 12:00:00 Nowhere/At_All", "\0"]
)
def test_a_timestamp_that_says_nothing_is_no_time(tmp_path: Path, text: str) -> None:
    """Then nobody can say that it was late."""
    (tmp_path / "timestamp.txt").write_text(text)
    assert read_timestamp(tmp_path) is None


def test_a_link_is_no_timestamp(tmp_path: Path) -> None:
    """A submission does not choose which of our files is read."""
    (tmp_path / "elsewhere").write_text("2026-11-30 12:00:00 UTC")
    (tmp_path / "timestamp.txt").symlink_to(tmp_path / "elsewhere")
    assert read_timestamp(tmp_path) is None


@pytest.mark.parametrize("text", ["9999-12-31 23:59:59 -1200", "0001-01-01 00:00:00 +1400"])
def test_a_year_that_utc_does_not_have_is_no_time(tmp_path: Path, text: str) -> None:
    """Whoever reckons with it would end in an error, in the middle of a gradebook."""
    (tmp_path / "timestamp.txt").write_text(text)
    assert read_timestamp(tmp_path) is None
