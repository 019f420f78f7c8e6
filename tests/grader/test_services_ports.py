"""Ports for servers: free, apart from each other, and nothing that a client could take."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from grader.errors import ServiceError
from grader.host import ports
from grader.host.ports import free_ports

OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_each_is_free_and_another_one() -> None:
    """All can be listened on at once; one that was asked for by number stays."""
    found = free_ports(0, 15_672, 0, 0)
    assert found[1] == 15_672
    servers = [socket.create_server(("127.0.0.1", port)) for port in (found[0], *found[2:])]
    assert len({server.getsockname()[1] for server in servers}) == 3
    for server in servers:
        server.close()


@pytest.mark.skipif(not OUTGOING.exists(), reason="Linux says which ports it gives to connections")
def test_no_connection_can_take_one() -> None:
    """A server that was killed finds its port free, however many clients look for it."""
    first_outgoing = int(OUTGOING.read_text().split()[0])
    assert max(free_ports(*[0] * 100)) < first_outgoing


def test_no_free_port_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told of an iterator that ended."""
    monkeypatch.setattr(ports, "is_free", lambda _: False)
    with pytest.raises(ServiceError, match="no port from 15000 to 32767 is free"):
        free_ports(0)
