"""The runner of `make fuzz`: what an input breaks is found, made small, and kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import strategies as st

from benchmarks.fuzz import __main__ as fuzzing
from benchmarks.fuzz.target import Target, run_round


def refuse_large(number: int) -> None:
    """Break at a number of three digits."""
    assert number < 100, f"seen {number}"


def take_all(number: int) -> None:
    """Break nowhere."""
    assert isinstance(number, int)


BREAKS = Target("breaks", st.integers(0, 10_000), refuse_large)
HOLDS = Target("holds", st.integers(), take_all)


def run(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *targets: Target, seed: str = "7"
) -> tuple[int, str]:
    """The exit code and what is said of a run of no minutes: one round of each."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(fuzzing, "TARGETS", targets)
    monkeypatch.setattr(fuzzing, "warm", lambda: None)
    done = CliRunner().invoke(fuzzing.main, ["--minutes", "0", "--seed", seed])
    return done.exit_code, done.output


def test_what_breaks_is_kept_as_the_smallest_input(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A page with input, seed and traceback; the seeds of all rounds; exit code 1."""
    code, said = run(monkeypatch, tmp_path, HOLDS, BREAKS)
    assert code == 1
    assert "✗ breaks: AssertionError('seen 100" in said
    assert "1 finding" in said
    (page,) = (tmp_path / "out" / "fuzz").glob("breaks-*.txt")
    assert "input: 100\n" in page.read_text(encoding="utf-8")
    assert "refuse_large" in page.read_text(encoding="utf-8")
    lines = (tmp_path / "out" / "fuzz" / "seeds.jsonl").read_text(encoding="utf-8").splitlines()
    rounds = [json.loads(line) for line in lines]
    assert [(each["target"], each["failed"]) for each in rounds] == [
        ("holds", False),
        ("breaks", True),
    ]
    assert str(rounds[1]["seed"]) in page.name


def test_a_seed_draws_the_same_rounds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And another one others; where nothing breaks, the exit code is 0."""
    seeds = []
    for number, seed in enumerate(("1", "1", "2")):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert run(monkeypatch, folder, HOLDS, seed=seed)[0] == 0
        seeds.append((folder / "out" / "fuzz" / "seeds.jsonl").read_text(encoding="utf-8"))
    assert seeds[0] == seeds[1] != seeds[2]


def test_an_input_that_takes_long_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It may keep a grader busy."""
    monkeypatch.setattr("benchmarks.fuzz.target.SECONDS", -1.0)
    code, said = run(monkeypatch, tmp_path, HOLDS)
    assert code == 1
    assert "it took 0.0 s" in said


@pytest.mark.parametrize("target", fuzzing.TARGETS, ids=lambda target: str(target.name))
def test_each_target_takes_some_inputs(target: Target, tmp_path: Path) -> None:
    """What `make fuzz` runs for minutes holds for a few inputs in every test run."""
    finding = run_round(replace(target, examples=5), 1, tmp_path)
    assert finding is None, finding
