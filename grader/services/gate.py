"""One order for what crosses several services, and a stop of all of it before one packet."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Packet:
    """Something that a service and its client say to each other, such as an AMQP method.

    It crosses the gate whole: the method with its content, the request with its body.
    """

    service: str
    name: str
    """What the protocol calls it, without what differs from one to the next."""
    up: bool
    """Whether it goes to the service; else it is what the service says."""
    said: str = field(default="", compare=False)
    """The packet in words, for a log."""

    def __str__(self) -> str:
        """Return it as part of a sentence."""
        if self.up:
            return f"{self.name} reached {self.service}"
        return f"{self.service}'s {self.name} reached the program"


class Halt:
    """A stop of everything before one packet; a gate makes it."""

    def __init__(
        self, gate: Gate, packets: tuple[Packet, ...], number: int, *, alone: bool = False
    ) -> None:
        self._gate = gate
        self._alone = alone
        self.packets = packets
        """Before which kinds of packets."""
        self.left = number
        self.reached = threading.Event()
        """Set when it has come; nothing crosses any more."""
        self._wake_read, self._wake_write = socket.socketpair()

    def fileno(self) -> int:
        """Return a descriptor that is readable once the stop is reached, for select."""
        return self._wake_read.fileno()

    def holds(self, packet: Packet) -> bool:
        """Tell whether a packet may not cross."""
        if not self.reached.is_set():
            return False
        return not self._alone or packet.service in {each.service for each in self.packets}

    def reach(self) -> None:
        """Say that nothing crosses any more."""
        self.reached.set()
        self._wake_write.send(b"!")

    def drop(self) -> None:
        """Let what is held vanish, as with a process that was killed before it sent or read it.

        So does whatever its connections still hold; what had crossed arrives.
        """
        self._gate.end(self, drops=True)

    def close(self) -> None:
        """Free its descriptors."""
        self._wake_read.close()
        self._wake_write.close()


class Gate:
    """The gate that all services of a submission ask before they let a packet go on.

    Services that serve in threads of their own `wait`; one that serves many connections in one
    thread asks `passes`, keeps what does not, and is called when the gate opens again.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._stop: Halt | None = None
        self._drops = 0
        """How often what was held was dropped."""
        self._recordings: list[list[Packet]] = []
        self._hear: list[Callable[[bool], None]] = []

    # What a suite asks for -------------------------------------------------------

    @contextmanager
    def stopped_before(
        self, *packets: Packet, number: int = 1, alone: bool = False
    ) -> Iterator[Halt]:
        """Let nothing cross from the `number`-th packet of these kinds on, that one included.

        With `alone`, other services go on: this one is slow, and the program can do what it does
        not wait with.

        What the services had let pass before is on its way, or has arrived: start the program
        inside the block, or on a busy machine it runs ahead. With the block's end everything goes
        on, unless it was dropped.
        """
        stop = Halt(self, packets, number, alone=alone)
        try:
            with self._changed:
                self._stop = stop
            yield stop
        finally:
            self.end(stop, drops=False)
            stop.close()

    @contextmanager
    def stopped(self) -> Iterator[Halt]:
        """Let nothing cross from now on."""
        stop = Halt(self, (), 0)
        try:
            with self._changed:
                self._stop = stop
                stop.reach()
            yield stop
        finally:
            self.end(stop, drops=False)
            stop.close()

    @contextmanager
    def recording(self) -> Iterator[list[Packet]]:
        """Give a list that grows by each packet that crosses, in the order of all services."""
        kept: list[Packet] = []
        with self._changed:
            self._recordings.append(kept)
        try:
            yield kept
        finally:
            with self._changed:
                self._recordings = [each for each in self._recordings if each is not kept]

    def end(self, stop: Halt, *, drops: bool) -> None:
        """End a stop; a second time it does nothing."""
        with self._changed:
            if self._stop is not stop:
                return
        if drops:  # while nothing crosses: what comes meanwhile would go on
            self._tell(drops=True)
        with self._changed:
            self._stop = None
            self._drops += drops
            self._changed.notify_all()
        self._tell(drops=False)

    def _tell(self, *, drops: bool) -> None:
        for hear in list(self._hear):
            hear(drops)

    # What services ask -----------------------------------------------------------

    def join(self, hear: Callable[[bool], None]) -> Callable[[], None]:
        """Call `hear` when a stop ends: with True to drop what is held, with False to ask again.

        Returns what takes that back.
        """
        self._hear.append(hear)

        def leave() -> None:
            with contextlib.suppress(ValueError):
                self._hear.remove(hear)

        return leave

    def passes(self, packet: Packet, observe: Callable[[str], None] = lambda _: None) -> bool:
        """Tell whether a packet may go on; ask again for one that may not, when the gate opens.

        One that may is told to `observe`, in the order in which packets cross.
        """
        with self._changed:
            stop = self._stop
            if stop is not None and not stop.reached.is_set() and packet in stop.packets:
                stop.left -= 1
                if not stop.left:
                    stop.reach()
            if stop is not None and stop.holds(packet):
                return False
            for kept in self._recordings:
                kept.append(packet)
            observe(packet.said)
            return True

    def wait(self, packet: Packet, observe: Callable[[str], None] = lambda _: None) -> bool:
        """Wait until a packet may go on; False when it is dropped instead."""
        with self._changed:
            drops = self._drops
            while not self.passes(packet, observe):
                self._changed.wait()
                if self._drops > drops:
                    return False
            return True


def kinds(packets: list[Packet]) -> list[tuple[Packet, int]]:
    """Return each packet with its number among those of its kind, from 1 on."""
    seen: Counter[Packet] = Counter()
    found = []
    for packet in packets:
        seen[packet] += 1
        found.append((packet, seen[packet]))
    return found
