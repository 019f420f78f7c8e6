"""The picture of a class's page is not taken of one that a busy machine made provisional."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))


def test_a_provisional_class_is_no_picture(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`grader grade` exits with 2: one line says what to do, and the old picture stays."""
    import picture_class  # noqa: PLC0415 - from scripts, whose place is known above

    asked: list[str] = []

    def grader(_: Path, *arguments: str) -> int:
        asked.append(arguments[0])
        return 2

    monkeypatch.setattr(picture_class, "grader", grader)
    monkeypatch.setattr(picture_class, "hand_in", lambda *_: None)
    monkeypatch.setattr(picture_class, "PICTURE", tmp_path / "class.png")
    with pytest.raises(SystemExit, match="a check could not be decided"):
        picture_class.main()
    assert asked == ["grade"]
    assert not (tmp_path / "class.png").exists()
