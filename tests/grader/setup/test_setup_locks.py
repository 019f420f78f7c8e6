"""The locks of the set-up: exact, hashed, in agreement with pyproject.toml and each other."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from setup_lab import ROOT

LOCKS = ("requirements.lock", "requirements-instructor.lock")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(lock: str) -> dict[str, list[str]]:
    """The lock's requirements: name to the words of its entry."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    entries = [line.split() for line in text.replace("\\\n", " ").splitlines()]
    return {entry[0].partition("==")[0]: entry for entry in entries}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_requirement_is_exact_and_hashed(lock: str) -> None:
    """One version each, with at least one SHA-256, so that pip takes nothing else."""
    entries = locked(lock)
    assert len(entries) > 50
    for name, entry in entries.items():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", entry[0]), entry[0]
        hashes = [word for word in entry if word.startswith("--hash=sha256:")]
        assert hashes, f"{name} has no hash"


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_says_where_packages_come_from(lock: str) -> None:
    """No URL, index or folder: each machine asks the registry that it is set up for."""
    text = (ROOT / lock).read_text()
    assert not re.findall(r".*(?:://|--index|--extra-index|--find-links|--trusted).*", text)


def test_the_locks_satisfy_pyproject() -> None:
    """Every range of pyproject.toml holds the version that is locked for it."""
    groups: dict[str, list[str]] = PROJECT["dependency-groups"]
    base = [*PROJECT["project"]["dependencies"], *groups["dev"], *groups["build"]]
    optional = PROJECT["project"]["optional-dependencies"]
    extra = optional["instructor"] + optional["author"]
    for lock, wanted in ((LOCKS[0], base), (LOCKS[1], base + extra)):
        versions = {name: entry[0].partition("==")[2] for name, entry in locked(lock).items()}
        for requirement in map(Requirement, wanted):
            version = versions[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), f"{requirement}, {lock}: {version}"


def test_the_two_locks_agree() -> None:
    """Installing the instructor's lock over the other changes no version."""
    instructor = locked(LOCKS[1])
    for name, entry in locked(LOCKS[0]).items():
        assert instructor[name][0] == entry[0]
