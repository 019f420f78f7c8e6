"""Where the broker of a class is, and how Celery talks to it.

Sources: Celery's "Configuration and defaults" and "Routing Tasks" (quorum queues); RabbitMQ's
"Quorum Queues" (delivery limit, per-consumer prefetch) and "TLS Support".
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from grader.errors import GraderError

URL_VARIABLE = "GRADER_BROKER"
"""The variable that may hold the URL, so that it stands in no command line."""
HEARTBEAT_SECONDS = 10
"""After two of them without a sign a broker gives a dead machine's work to another."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_FORM = "amqps://USER:PASSWORD@HOST/VHOST"


@dataclass(frozen=True)
class BrokerAddress:
    """A broker that was named by its URL, with how its certificate is checked."""

    url: str = field(repr=False)
    """Holds a password: never shown."""
    ca_file: Path | None = None
    """Whose certificates are trusted; None: those that the system trusts."""

    @property
    def shown(self) -> str:
        """The address for people, without user and password."""
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.hostname}{port}"

    @property
    def virtual_host(self) -> str:
        """The virtual host that the URL names."""
        return unquote(urlsplit(self.url).path[1:]) or "/"

    @property
    def encrypted(self) -> bool:
        """Tell whether it is spoken to by TLS."""
        return self.url.startswith("amqps:")

    @property
    def in_the_clear(self) -> bool:
        """Tell whether passwords and submissions would cross a network unencrypted."""
        return not self.encrypted and urlsplit(self.url).hostname not in _LOOPBACK

    def tls(self) -> dict[str, Any] | bool:
        """Return py-amqp's options: the certificate must be trusted, and be the host's."""
        if not self.encrypted:
            return False
        return {
            "cert_reqs": ssl.CERT_REQUIRED,
            "server_hostname": urlsplit(self.url).hostname,
            "ca_certs": str(self.ca_file) if self.ca_file else None,
        }


def parse_address(url: str, ca_file: Path | None = None) -> BrokerAddress:
    """Return the broker at `url`.

    Raises:
        GraderError: it is no URL of an AMQP broker. It may hold a password, so it is not shown.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("amqp", "amqps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise GraderError(f"the broker's address is not a URL such as {_FORM}", "Correct it.")
    if ca_file is not None and parts.scheme != "amqps":
        raise GraderError("--ca is for amqps://, and the broker's URL begins with amqp://")
    return BrokerAddress(url, ca_file)


def require_celery() -> None:
    """Find out whether Celery is installed.

    Raises:
        GraderError: it is not.
    """
    try:
        import celery  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise GraderError(
            "grading by way of a broker needs Celery, which is not installed",
            "Run `make setup-instructor`, or `pip install 'stream-course[workers]'`.",
        ) from None


def celery_app(address: BrokerAddress) -> Any:
    """Return a Celery app that takes JSON alone and gives a message back unless it is done."""
    from celery import Celery  # noqa: PLC0415 - an extra

    app = Celery("grader", broker=address.url, set_as_current=False)
    app.conf.update(
        broker_use_ssl=address.tls() or None,
        broker_heartbeat=HEARTBEAT_SECONDS,
        broker_connection_timeout=10,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"confirm_publish": True},
        # JSON only: nothing that arrives can be more than data.
        accept_content=["json"],
        task_serializer="json",
        event_serializer="json",
        result_accept_content=["json"],
        # A report goes into the queue of its class, which outlives its reader; see decision 33.
        result_backend=None,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        # A message is acknowledged when its report is with the broker, and else given back.
        task_acks_late=True,
        task_acks_on_failure_or_timeout=False,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_enable_prefetch_count_reduction=False,
        worker_detect_quorum_queues=True,
        # Nobody can order a worker about through the broker: it only takes work.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        event_queue_exclusive=True,
        event_queue_durable=False,
        task_create_missing_queues=False,
    )
    return app
