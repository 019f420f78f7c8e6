"""A terminal that is driven and recorded: tmux with two panes, an editor above a command."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

EDITOR, COMMAND = "0", "1"
"""The panes."""

_KEY_SECONDS = 0.06
_PATIENCE_SECONDS = 120


class Terminal:
    """Keys go in, screens come out, and every byte that was shown is kept with its time."""

    def __init__(
        self, folder: Path, editor: str, command: str, *, size: tuple[int, int], above: int
    ) -> None:
        """Start both commands in `folder`, the first one in the `above` upper lines."""
        self.width, self.height = size
        self._name = f"recording-{os.getpid()}"
        self._events: list[tuple[float, str]] = []
        self._began = time.monotonic()
        environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        start = ["new-session", "-c", str(folder), editor, ";", "set", "-g", "status", "off", ";"]
        start += ["set", "-g", "default-terminal", "tmux-256color", ";", "set", "escape-time", "0"]
        start += [";", "split-window", "-v", "-l", str(self.height - above - 1), "-c", str(folder)]
        start += [command]
        self._child, self._screen = pty.fork()
        if self._child == 0:
            program = ["tmux", "-L", self._name, "-f", "/dev/null", "-u", *start]
            os.execvpe(program[0], program, environment)  # noqa: S606 - our own command
        size_now = struct.pack("HHHH", self.height, self.width, 0, 0)
        fcntl.ioctl(self._screen, termios.TIOCSWINSZ, size_now)
        self._reader = threading.Thread(target=self._record)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._tmux("kill-server")
        os.waitpid(self._child, 0)
        self._reader.join()
        os.close(self._screen)

    def type(self, pane: str, text: str) -> None:
        """Type text, one key after the other; a newline is Enter, ESC Escape."""
        names = {"\n": ["Enter"], "\x1b": ["Escape"]}
        for key in text:
            self._tmux("send-keys", "-t", pane, *names.get(key, ["-l", "--", key]))
            time.sleep(_KEY_SECONDS)

    def wait(self, pane: str, pattern: str, *, pause: float = 1.5) -> str:
        """Wait until the pane shows the pattern, then as long as one reads it; what it shows."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not re.search(pattern, shown := self.show(pane)):
            if time.monotonic() > end:
                raise SystemExit(f"never seen: {pattern}\n{shown}")
            time.sleep(0.1)
        time.sleep(pause)
        return self.show(pane)

    def show(self, pane: str, *, colours: bool = False) -> str:
        """Return what a pane shows now, with or without escape sequences for colours."""
        return self._tmux("capture-pane", "-p", "-t", pane, *(["-e"] if colours else []))

    def asciicast(self, title: str) -> str:
        """Everything so far; https://docs.asciinema.org/manual/asciicast/v2/."""
        header = {"version": 2, "width": self.width, "height": self.height, "title": title}
        lines: list[object] = [{**header, "idle_time_limit": 2.0}]
        lines += [[round(seconds, 2), "o", text] for seconds, text in self._events]
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)

    def _record(self) -> None:
        while True:
            try:
                data = os.read(self._screen, 65536)
            except OSError:  # tmux has ended
                return
            if not data:
                return
            seconds = time.monotonic() - self._began
            self._events.append((seconds, data.decode(errors="replace")))

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self._name, *arguments]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        if done.returncode and arguments[0] == "send-keys":
            raise SystemExit(f"{shlex.join(command)}: {done.stderr}")
        return done.stdout
