"""How many submissions are graded at a time follows what the cores do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.grading import slots
from grader.grading.slots import Slots
from grader.host.idle import IdleCores, free_megabytes

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
needs_affinity = pytest.mark.skipif(not CORES, reason="cores cannot be asked for here")


class Idle:
    """Cores of which the test says how idle they were."""

    now = 0.0

    def share(self) -> float:
        """Return what the test says."""
        return Idle.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the found see; cores and memory are the test's too."""
    time = [0.0]
    monkeypatch.setattr(slots.time, "monotonic", lambda: time[0])
    monkeypatch.setattr(slots, "IdleCores", Idle)
    monkeypatch.setattr(slots, "free_megabytes", lambda: 100_000)
    monkeypatch.setattr(slots.os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    return time


def taken(found: Slots) -> int:
    """Take what there is now; how many there were."""
    count = 0
    while found.take() is not None:
        count += 1
    return count


def test_one_more_is_let_in_at_each_look_at_idle_cores(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """None while the cores are busy, or memory is short; none before the next look."""
    found = Slots(None)
    assert taken(found) == 2
    monkeypatch.setattr(Idle, "now", 0.9)
    assert taken(found) == 0
    clock[0] += 1
    assert taken(found) == 1
    monkeypatch.setattr(Idle, "now", 0.1)
    clock[0] += 1
    assert taken(found) == 0
    monkeypatch.setattr(Idle, "now", 0.9)
    monkeypatch.setattr(slots, "free_megabytes", lambda: 10)
    clock[0] += 1
    assert taken(found) == 0


def test_an_extra_place_is_gone_when_it_is_given_back(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one has to be let in again; the usual ones are kept, each on its core."""
    found = Slots(None)
    usual = [found.take(), found.take()]
    assert {slot.core for slot in usual if slot} == {3, 5}
    monkeypatch.setattr(Idle, "now", 0.9)
    clock[0] += 1
    extra = found.take()
    assert extra is not None
    assert extra.core is None
    monkeypatch.setattr(Idle, "now", 0.0)
    clock[0] += 1
    found.give_back(extra)
    assert found.take() is None
    assert usual[0] is not None
    found.give_back(usual[0])
    assert found.take() == usual[0]


def test_a_number_that_was_asked_for_holds(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Idle cores or not."""
    monkeypatch.setattr(Idle, "now", 1.0)
    found = Slots(3)
    clock[0] += 1
    assert taken(found) == 3


@needs_affinity
def test_idle_time_is_that_of_the_cores_that_may_be_used(tmp_path: Path) -> None:
    """From one look to the next, without guest time, which is in user time."""
    stat = tmp_path / "stat"
    own = f"cpu{CORES[0]}"
    stat.write_text(
        f"cpu 9 9 9 9 9 0 0 0 0 0\n{own} 10 0 10 70 10 0 0 0 5 0\ncpu4096 1 1 1 1 1 0 0\n"
    )
    cores = IdleCores(stat)
    assert cores.share() == 0.0
    stat.write_text(
        f"cpu 9 9 9 9 9 0 0 0 0 0\n{own} 30 0 10 90 50 0 0 0 5 0\ncpu4096 9 9 9 9 9 0 0\n"
    )
    assert cores.share() == 0.75
    stat.unlink()
    assert cores.share() == 0.0


def test_free_memory_is_what_new_processes_can_have(tmp_path: Path) -> None:
    """In megabytes; nothing is said of a system that does not tell."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       8000000 kB\nMemAvailable:   3145728 kB\n")
    assert free_megabytes(meminfo) == 3072
    assert free_megabytes(tmp_path / "missing") is None
