"""`grader doctor`, and the probe behind it: a wall that does not hold is found and named."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from command_line import grader
from rich.console import Console

from grader import doctor
from grader.errors import SandboxError, UnexplainedSandboxError
from grader.host import programs
from grader.sandbox import choice
from grader.sandbox.probe import Wall, probe, require
from grader.worker.look import look

REPO = Path(__file__).resolve().parents[2]


def test_every_wall_holds_here() -> None:
    """From inside a sandbox nothing is found that should not be."""
    essential = {wall.name: wall.found for wall in probe() if wall.essential}
    assert set(essential) >= {"files", "environment", "network", "processes", "memory"}
    assert not any(essential.values())


def test_without_walls_the_probe_finds_each_hole(tmp_path: Path) -> None:
    """The same questions, asked outside of a sandbox: no question that is always answered well."""
    canary = tmp_path / "canary"
    canary.write_text("seen")
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = look(str(canary), server.getsockname()[1], 1 << 20)
    assert str(canary) in found["files"]
    assert found["environment"]
    assert found["network"] == "the host's loopback"
    assert found["processes"]
    assert found["writable"]
    assert found["privileges"]
    assert found["memory"] == "1 MB"
    assert found["system calls"]


def test_a_hole_in_an_essential_wall_refuses_to_grade(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the sentence that says what got through; a reduced tier grades."""
    hole = Wall("network", "no network", holds=False, found="eth0")
    extra = Wall("system calls", "seccomp", holds=False, found="all", essential=False)
    require([extra])
    monkeypatch.setattr(choice, "probe", lambda: [extra, hole])
    with pytest.raises(SandboxError, match=r"no network, but this got through: eth0"):
        choice.choose()


def test_the_tier_says_how_good_the_walls_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Full, reduced with what to do about it, and none where something essential is missing."""
    good = Wall("files", "files", holds=True)
    extra = Wall("control group", "limits", holds=False, remedy="Run as root.", essential=False)
    hole = Wall("network", "no network", holds=False, found="eth0")
    for walls, tier in (([good], "full"), ([good, extra], "reduced"), ([extra, hole], "none")):
        monkeypatch.setattr("grader.sandbox.probe.probe", lambda walls=walls: walls)
        diagnosis = doctor.diagnose()
        assert diagnosis.tier == tier
        remedies = [each.remedy for each in diagnosis.findings if not each.works]
        assert ("Run as root." in remedies) == (extra in walls)


def test_ubuntus_profile_is_named_where_it_is_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A sandbox that does not start on a system that restricts user namespaces."""
    switch = tmp_path / "switch"
    switch.write_text("1\n")
    monkeypatch.setattr(doctor, "SWITCHES", [(switch, *doctor.SWITCHES[0][1:])])

    def refuse() -> list[Wall]:
        raise SandboxError("bwrap: setting up uid map: Permission denied", "See the doctor.")

    monkeypatch.setattr("grader.sandbox.probe.probe", refuse)
    diagnosis = doctor.diagnose()
    (sandbox,) = [each for each in diagnosis.findings if each.name == "sandbox"]
    assert diagnosis.tier == "none"
    assert "bwrap-userns-restrict" in sandbox.remedy


@pytest.mark.parametrize("broken", ["walls", "RabbitMQ", "packages", "tail", "all"])
def test_no_remedy_is_to_ask_the_doctor(
    broken: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever is missing: what a sandbox says elsewhere, to run this command, is no help in it."""
    monkeypatch.setattr(doctor, "SWITCHES", [])
    if broken in ("walls", "all"):

        def refuse(*_: object) -> list[Wall]:
            raise UnexplainedSandboxError("it did not start")

        monkeypatch.setattr("grader.sandbox.probe.probe", refuse)
    if broken in ("packages", "all"):
        monkeypatch.setattr(doctor, "_missing_packages", lambda: iter(["pika is missing"]))
    if broken in ("RabbitMQ", "tail", "all"):
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("RABBITMQ_URL", "")
        monkeypatch.setattr(programs, "ELSEWHERE", ())
    missing = [each for each in doctor.diagnose().findings if not each.works]
    assert missing
    for finding in missing:
        assert finding.remedy, finding
        assert "grader doctor" not in finding.remedy, finding


def test_a_learners_machine_is_not_asked_for_walls(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a students' copy nothing is said of what only submissions of others need."""

    def refuse(*_: object) -> list[Wall]:
        raise AssertionError("nobody asked for walls")

    monkeypatch.setattr("grader.sandbox.probe.probe", refuse)
    diagnosis = doctor.diagnose(grading=False)
    assert {finding.part for finding in diagnosis.findings} == {"learning"}
    doctor.print_diagnosis(diagnosis, Console(width=100))
    said = capsys.readouterr().out
    assert "To learn" in said
    assert "To grade" not in said
    assert "walls" not in said


@pytest.mark.parametrize("number", range(len(doctor.SWITCHES)))
def test_the_switch_that_forbids_namespaces_is_named(
    number: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the command that allows them; a switch that is not there forbids nothing."""
    _, forbids, remedy = doctor.SWITCHES[number]
    switch = tmp_path / "switch"
    monkeypatch.setattr(doctor, "SWITCHES", [(switch, forbids, remedy)])

    def refuse() -> list[Wall]:
        raise UnexplainedSandboxError("it did not start")

    monkeypatch.setattr("grader.sandbox.probe.probe", refuse)

    def said() -> str:
        return next(each for each in doctor.diagnose().findings if each.name == "sandbox").remedy

    assert said() == doctor.BY_HAND
    switch.write_text(f"{forbids}\n")
    assert said() == remedy


def test_the_command_says_what_is_missing_and_what_mends_it(tmp_path: Path) -> None:
    """Without bubblewrap and tail: exit 1, both named with a way on; JSON says the same."""
    bare = {"PATH": str(tmp_path), "RABBITMQ_URL": ""}
    done = grader(REPO, "doctor", env=bare)
    assert done.returncode == 1
    assert "apt-get install bubblewrap" in done.stdout
    assert "walls: none" in done.stdout
    found = json.loads(grader(REPO, "doctor", "--json", env=bare).stdout)
    missing = {each["name"] for each in found["findings"] if not each["works"]}
    assert {"sandbox", "tail"} <= missing


def test_the_output_fits_80_columns(tmp_path: Path) -> None:
    """Also with everything missing."""
    done = grader(REPO, "doctor", env={"PATH": str(tmp_path), "COLUMNS": "80", "RABBITMQ_URL": ""})
    assert max(map(len, done.stdout.splitlines())) <= 80
