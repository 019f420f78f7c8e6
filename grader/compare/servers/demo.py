"""The server of another course's own kind of service: the one of its demos."""

from __future__ import annotations

from grader.compare.servers.child import start_child
from grader.compare.servers.server import Server
from grader.plugins import folder_of
from grader.services.catalog import service_kind


class DemoServer(Server):
    """The server of a kind's demos, in a process of its own and on another port."""

    def start(self) -> None:
        """Start it."""
        kind = service_kind(self.service)
        child = start_child(self.stack, self.service, folder_of(type(kind)))
        self.url = f"{kind.scheme}://127.0.0.1:{child.port}"
        self.behind = f"{self.describe()}{f', {child.note}' if child.note else ''}"

    def describe(self) -> str:
        """Return what the kind is called."""
        return f"of the demos: {service_kind(self.service).title}"
