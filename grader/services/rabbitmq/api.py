"""The few calls of RabbitMQ's management HTTP API that make a tenant and take it away.

Source: rabbitmq.com/docs/http-api-reference. rabbitmqctl does the same in a second or two a
call; here a tenant takes about 25 ms.
"""

from __future__ import annotations

import base64
import http
import http.client
import json
from typing import Any
from urllib.parse import quote

from grader.errors import ServiceError
from grader.services.rabbitmq.node import Login

_EVERYTHING = {"configure": ".*", "write": ".*", "read": ".*"}
_MAX_CONNECTIONS = 64
_MAX_CHANNELS = 512
_MAX_QUEUES = 256
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
        """A virtual host and a user, both called `name`, who may do anything in it alone.

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

    def check_alarms(self) -> None:
        """Prove that no alarm (memory, disk) makes the broker refuse messages.

        Raises:
            ServiceError: one does, or the broker does not answer.
        """
        self._call(("GET", "/api/health/checks/local-alarms", None))

    def _call(self, *requests: tuple[str, str, dict[str, Any] | None]) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=10)
        try:
            for method, path, body in requests:
                data = None if body is None else json.dumps(body)
                connection.request(method, path, data, self._headers)
                response = connection.getresponse()
                said = response.read()
                if response.status >= http.HTTPStatus.MULTIPLE_CHOICES:
                    raise ServiceError(
                        f"RabbitMQ answered {response.status} to {method} {path}: "
                        f"{said[:200].decode(errors='replace')}"
                    )
        except (OSError, http.client.HTTPException) as error:
            raise ServiceError(f"RabbitMQ's management API does not answer ({error})") from error
        finally:
            connection.close()
