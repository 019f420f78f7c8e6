"""A submission in a worker has no way to the broker's address, nor has the process that grades."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from tiny_course import RIGHT, add_submission
from worker_machines import (
    TestBroker,
    controller,
    house_of,
    needs_server,
    worker,
)

LOOKS = '''
def found():
    """Where this process can see or reach the broker."""
    import glob, os, socket
    marks = (b"amqp:", b"grader:", b"GRADER_BROKER", b":%d" % PORT)
    places = []
    names = glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline")
    for folder in FOLDERS:
        names += glob.glob(folder + "/**", recursive=True)
    for name in names:
        try:
            with open(name, "rb") as file:
                data = file.read(1000000)
        except OSError:
            continue
        if any(mark in data for mark in marks):
            places.append(name)
    if "GRADER_BROKER" in os.environ:
        places.append("os.environ")
    for name in glob.glob("/proc/self/fd/*"):
        try:
            target = os.readlink(name)
            with socket.socket(fileno=os.dup(int(name.rsplit("/", 1)[1]))) as copy:
                peer = copy.getpeername()
        except OSError:
            continue
        if isinstance(peer, tuple) and PORT in peer[1:2]:
            places.append(target)
    for host in ("127.0.0.1", "localhost", "::1"):
        try:
            socket.create_connection((host, PORT), 1).close()
            places.append("port")
        except OSError:
            pass
    return places
'''


@needs_server
def test_the_search_finds_what_is_there(
    broker: TestBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of a sandbox it finds variable, file and port: so it would find them inside."""
    monkeypatch.setenv("GRADER_BROKER", broker.url)
    (tmp_path / "address").write_text(broker.url)
    names: dict[str, Any] = {"PORT": broker.node.port, "FOLDERS": [str(tmp_path)]}
    exec(textwrap.dedent(LOOKS), names)  # noqa: S102 - the very code that is handed in
    assert {"os.environ", "port", str(tmp_path / "address")} <= set(names["found"]())


@needs_server
def test_a_submission_has_no_way_to_the_brokers_address(broker: TestBroker, root: Path) -> None:
    """The environment, command lines, files, descriptors and the network show it nothing."""
    folders = 'FOLDERS = ["/tmp", "/run", "/home", "/var", "/dev/shm"]'
    attack = RIGHT.replace(
        "    return 2 * number",
        "    places = found()\n    assert not places, places\n    return 2 * number",
    )
    add_submission(root, "eve", f"PORT = {broker.node.port}\n{folders}\n{LOOKS}\n{attack}")
    with (
        worker(root, broker.url, "-j", "1", "--broker", broker.url),  # in its command line as well
        controller(root, broker.url) as run,
    ):
        assert run.code() == 0, run.text


@needs_server
def test_the_process_that_grades_never_had_the_address(broker: TestBroker, root: Path) -> None:
    """Neither its environment nor its command line nor any of its memory holds the password."""
    with worker(root, broker.url):
        house = house_of(root)
        password = broker.login.password.encode()
        assert password not in (house / "environ").read_bytes()
        assert password not in (house / "cmdline").read_bytes()
        with (house / "mem").open("rb", buffering=0) as memory:
            for line in (house / "maps").read_text().splitlines():
                span, rights, *_ = line.split()
                if "rw" not in rights:
                    continue
                start, end = (int(each, 16) for each in span.split("-"))
                memory.seek(start)
                assert password not in memory.read(end - start)
