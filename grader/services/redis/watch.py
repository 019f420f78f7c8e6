"""What a suite wants to see of a submission's commands, or to happen before one of them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from grader.services.redis.commands import Command

HANDSHAKE = {"HELLO", "CLIENT", "PING"}
"""What a client library says by itself."""
MOST_SEEN = 20_000
"""Commands that a recording keeps."""


class Watch:
    """An action that runs once, before a certain command goes on to the server."""

    def __init__(
        self,
        names: tuple[str, ...],
        number: int,
        action: Callable[[], None],
        argument: str = "",
        *,
        in_transactions: bool = False,
        drops: bool = False,
    ) -> None:
        """Watch for the `number`-th command.

        Args:
            names: of the commands that count; none: all but what a client says by itself.
            number: from 1.
            action: runs in the thread of the command's connection, which stands still meanwhile.
            argument: only commands that have it among their words count.
            in_transactions: whether commands between MULTI and EXEC count.
            drops: whether the connection ends after the action, and the command with it. The
                commands before it are answered when the action begins.
        """
        self._names = names
        self._argument = argument.encode()
        self._left = number
        self._action = action
        self._in_transactions = in_transactions
        self.drops = drops
        self._lock = threading.Lock()
        self.reached = threading.Event()
        """Set when the command has come; the action runs then, or has run."""
        self.command: Command | None = None
        """The command that came."""
        self.failure: BaseException | None = None
        """What the action raised."""

    def is_it(self, command: Command, *, in_transaction: bool) -> bool:
        """Count `command`; tell whether it is the one. Called in its connection's thread."""
        if in_transaction and not self._in_transactions:
            return False
        if command.name not in self._names if self._names else command.name in HANDSHAKE:
            return False
        if self._argument and self._argument not in command.words[1:]:
            return False
        with self._lock:
            self._left -= 1
            return self._left == 0

    def act(self, command: Command) -> None:
        """Run the action."""
        self.command = command
        self.reached.set()
        try:
            self._action()
        except Exception as error:  # noqa: BLE001 - it belongs to who watches
            self.failure = error


class Recording:
    """The commands that came while it was watched, in order, but for what a library says itself.

    The first ones, where they are many: `overflowed` tells that there were more.
    """

    def __init__(self) -> None:
        self._seen: list[Command] = []
        self.overflowed = False
        """True when more came than are kept."""

    def see(self, command: Command) -> None:
        """Keep it."""
        if command.name in HANDSHAKE:
            return
        if len(self._seen) < MOST_SEEN:
            self._seen.append(command)
        else:
            self.overflowed = True

    def commands(self, *names: str) -> list[Command]:
        """Return those of these names so far; without names all of them."""
        seen = list(self._seen)
        return [each for each in seen if each.name in names] if names else seen
