"""The few calls of RabbitMQ's management HTTP API that make a tenant and take it away.

Source: rabbitmq.com/docs/http-api-reference. rabbitmqctl does the same in a second or two a
call; here a tenant takes about 25 ms.
"""

from __future__ import annotations

import base64
import http
import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from grader.errors import ServiceError
from grader.services.rabbitmq.node import Login

_ALARMS = "/api/health/checks/local-alarms"
_EVERYTHING = {"configure": ".*", "write": ".*", "read": ".*"}
_MAX_CONNECTIONS = 64
_MAX_CHANNELS = 512
_MAX_QUEUES = 256
TENANT = "submission-"
"""What the names of virtual hosts begin with that were made for submissions."""
_SMALL = 1000
"""Bytes that a message takes besides its body, about."""
_EVERY_QUEUE = {
    "pattern": ".*",
    "apply-to": "queues",
    # A broker multiplies by itself: fanout exchanges, and dead letters that go through them.
    "definition": {"max-length": 2000, "max-length-bytes": 4 << 20},
}


class ManagementApi:
    """A broker's administration."""

    def __init__(self, host: str, port: int, login: Login) -> None:
        self._address = (host, port)
        self._login = login
        token = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}

    def add_tenant(self, name: str, password: str) -> None:
        """Add a virtual host and a user, both called `name`, who may do anything in it alone.

        The limits keep one submission from taking what the others need.

        Raises:
            ServiceError: the broker does not do it.
        """
        self._call(
            ("PUT", f"/api/vhosts/{quote(name)}", {}),
            ("PUT", f"/api/users/{quote(name)}", {"password": password, "tags": ""}),
            ("PUT", f"/api/permissions/{quote(name)}/{quote(name)}", _EVERYTHING),
            ("PUT", f"/api/permissions/{quote(name)}/{self._login.username}", _EVERYTHING),
            ("PUT", f"/api/user-limits/{quote(name)}/max-connections", {"value": _MAX_CONNECTIONS}),
            ("PUT", f"/api/user-limits/{quote(name)}/max-channels", {"value": _MAX_CHANNELS}),
            ("PUT", f"/api/vhost-limits/{quote(name)}/max-queues", {"value": _MAX_QUEUES}),
            ("PUT", f"/api/operator-policies/{quote(name)}/limits", _EVERY_QUEUE),
        )

    def remove_tenant(self, name: str) -> None:
        """Remove both, with every queue; connections to it are closed by the broker."""
        self._call(
            ("DELETE", f"/api/vhosts/{quote(name)}", None),
            ("DELETE", f"/api/users/{quote(name)}", None),
        )

    def has_tenant(self, name: str) -> bool:
        """Tell whether the virtual host is still there.

        Raises:
            ServiceError: the broker does not answer.
        """
        path = f"/api/vhosts/{quote(name)}"
        (status, _), *_ = self._ask(("GET", path, None))
        return status != http.HTTPStatus.NOT_FOUND

    def tenant_sizes(self) -> dict[str, int]:
        """Return about how many bytes each submission's virtual host takes.

        Raises:
            ServiceError: the broker does not answer.
        """
        path = "/api/queues?columns=vhost,memory,messages,message_bytes"
        (said,) = self._call(("GET", path, None))
        sizes: dict[str, int] = {}
        for queue in json.loads(said):
            name = str(queue.get("vhost"))
            if name.startswith(TENANT):
                size = sum(int(queue.get(key) or 0) for key in ("memory", "message_bytes"))
                size += _SMALL * int(queue.get("messages") or 0)
                sizes[name] = sizes.get(name, 0) + size
        return sizes

    def is_alarmed(self) -> bool:
        """Tell whether an alarm (memory, disk) makes the broker refuse messages.

        Raises:
            ServiceError: the broker does not answer.
        """
        (status, _), *_ = self._ask(("GET", _ALARMS, None))
        return status == http.HTTPStatus.SERVICE_UNAVAILABLE

    def check_alarms(self) -> None:
        """Prove that no alarm (memory, disk) makes the broker refuse messages.

        Raises:
            ServiceError: one does, or the broker does not answer.
        """
        self._call(("GET", _ALARMS, None))

    def _call(self, *requests: tuple[str, str, dict[str, Any] | None]) -> list[bytes]:
        """Make the requests and return what each was answered; a refusal is a ServiceError."""
        answers = []
        for (method, path, _), (status, said) in zip(requests, self._ask(*requests), strict=False):
            if status >= http.HTTPStatus.MULTIPLE_CHOICES:
                raise ServiceError(
                    f"RabbitMQ answered {status} to {method} {path}: "
                    f"{said[:200].decode(errors='replace')}"
                )
            answers.append(said)
        return answers

    def _ask(
        self, *requests: tuple[str, str, dict[str, Any] | None]
    ) -> Iterator[tuple[int, bytes]]:
        """Status and body of each answer, as they come over one connection."""
        connection = http.client.HTTPConnection(*self._address, timeout=10)
        try:
            for method, path, body in requests:
                data = None if body is None else json.dumps(body)
                connection.request(method, path, data, self._headers)
                response = connection.getresponse()
                yield response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServiceError(f"RabbitMQ's management API does not answer ({error})") from error
        finally:
            connection.close()
