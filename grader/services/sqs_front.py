"""The layer in front of moto: lets only SQS through, records, and is as strict as AWS."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from grader.services.sqs_clock import Clock

_TARGET = "AmazonSQS."
_GROUP_ID = re.compile(r"[!-~]{1,128}")
"""No spaces: the API reference allows alphanumerics and punctuation."""
_DEDUPLICATION = 300
"""Seconds for which a FIFO queue remembers a deduplication id, also after a delete."""

Pick = Callable[[dict[str, Any], int], bool]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


@dataclass(frozen=True)
class Request:
    """One request of the consumer's and its answer."""

    action: str
    parameters: dict[str, Any]
    response: dict[str, Any]
    status: int


@dataclass
class Faults:
    """What goes wrong on purpose."""

    fail_entry: Pick | None = None
    """Asked for each entry of a SendMessageBatch, with the number of the request from 1 on."""
    duplicate: set[str] = field(default_factory=set)
    """Queues whose next delivered message comes a second time."""


class Front:
    """A WSGI application around moto's."""

    def __init__(self, app: Any, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._backend = threading.Condition()
        self.requests: list[Request] = []
        self.faults = Faults()
        self.impatient = True
        self._batches = 0
        self._copies: dict[str, list[dict[str, Any]]] = {}
        self._sent: dict[tuple[str, str], float] = {}

    def trusted(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """The application for the suite: neither recorded nor disturbed."""
        return self._serve(environ, start_response, recorded=False)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """The application for the consumer."""
        return self._serve(environ, start_response, recorded=True)

    def _serve(
        self, environ: dict[str, Any], start_response: StartResponse, *, recorded: bool
    ) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        try:
            parameters = json.loads(body or b"{}")
        except ValueError:
            parameters = None
        if not target.startswith(_TARGET) or not isinstance(parameters, dict):
            status, answer = _refusal("AccessDenied", "only Amazon SQS is served here", 403)
        elif recorded:
            status, answer = self._consumers(environ, target.removeprefix(_TARGET), parameters)
        else:
            status, answer = self._forward(environ, parameters)
        data = json.dumps(answer).encode()
        headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("Content-Length", str(len(data))),
        ]
        if status >= 400:  # noqa: PLR2004 - HTTP's client errors
            headers.append(("x-amzn-query-error", f"{answer['__type'].rpartition('#')[2]};Sender"))
        start_response(f"{status} {'OK' if status < 400 else 'Error'}", headers)  # noqa: PLR2004
        return [data]

    def _consumers(
        self, environ: dict[str, Any], action: str, parameters: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        act = {
            "ReceiveMessage": self._receive,
            "SendMessage": self._send,
            "SendMessageBatch": self._send_batch,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": self._delete_batch,
        }.get(action, self._forward)
        status, answer = act(environ, parameters)
        self.requests.append(Request(action, parameters, answer, status))
        return status, answer

    def _forward(
        self, environ: dict[str, Any], parameters: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """What moto says; one request at a time, since its receives are not locked."""
        body = json.dumps(parameters).encode()
        inner = environ | {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        statuses: list[str] = []
        with self._backend:
            chunks = self._app(inner, lambda status, *_: statuses.append(status))
            data = b"".join(chunks)
            self._backend.notify_all()
        return int(statuses[0].split()[0]), json.loads(data or b"{}")

    # Receiving -----------------------------------------------------------------

    def _receive(
        self, environ: dict[str, Any], parameters: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        queue = _name(parameters)
        if copies := self._copies.get(queue):
            return 200, {"Messages": [copies.pop(0)]}
        at_once = parameters | {"WaitTimeSeconds": 0}
        status, answer = self._forward(environ, at_once)
        for _ in self._waits(parameters.get("WaitTimeSeconds") or 0):
            if answer.get("Messages") or status != 200:  # noqa: PLR2004 - HTTP's OK
                break
            status, answer = self._forward(environ, at_once)
        messages = answer.get("Messages")
        if messages and queue in self.faults.duplicate:
            self.faults.duplicate.discard(queue)
            copy = messages[0] | {"ReceiptHandle": f"copy-{uuid.uuid4()}"}
            self._copies.setdefault(queue, []).append(copy)
        return status, answer

    def _waits(self, seconds: int) -> Iterator[None]:
        """The moments of a long poll at which to look again."""
        if self.impatient:
            for _ in range(seconds):
                self._clock.advance(1)
                yield
            return
        end = self._clock.now().timestamp() + seconds
        while (left := end - self._clock.now().timestamp()) > 0:
            with self._backend:
                self._backend.wait(min(left, 0.05))
            yield

    # Sending -------------------------------------------------------------------

    def _send(
        self, environ: dict[str, Any], parameters: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        if refusal := _bad_group(parameters):
            return refusal
        if known := self._deduplicated(_name(parameters), parameters):
            return 200, known
        return self._forward(environ, parameters)

    def _send_batch(
        self, environ: dict[str, Any], parameters: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        self._batches += 1
        entries = parameters.get("Entries") or []
        for entry in entries:
            if refusal := _bad_group(entry):
                return refusal
        pick = self.faults.fail_entry
        failed = [entry for entry in entries if pick is not None and pick(entry, self._batches)]
        taken = [entry for entry in entries if entry not in failed]
        done = [
            (entry, self._deduplicated(_name(parameters), entry) if len(entries) <= 10 else None)  # noqa: PLR2004 - a batch's limit
            for entry in taken
        ]
        fresh = [entry for entry, known in done if known is None]
        answer: dict[str, Any] = {"Successful": []}
        if fresh or not entries:
            status, answer = self._forward(environ, parameters | {"Entries": fresh})
            if status != 200:  # noqa: PLR2004 - HTTP's OK
                return status, answer
        answer.setdefault("Successful", []).extend(
            {"Id": entry["Id"], **known} for entry, known in done if known is not None
        )
        if failed:
            answer.setdefault("Failed", []).extend(
                {
                    "Id": entry["Id"],
                    "SenderFault": False,
                    "Code": "InternalError",
                    "Message": "try again",
                }
                for entry in failed
            )
        return 200, answer

    def _deduplicated(self, queue: str, entry: dict[str, Any]) -> dict[str, Any] | None:
        """The answer for a message that a FIFO queue has had within five minutes; else None."""
        identity = entry.get("MessageDeduplicationId")
        if not queue.endswith(".fifo") or identity is None:
            return None
        now = self._clock.now().timestamp()
        first = self._sent.setdefault((queue, identity), now)
        if first == now or now - first > _DEDUPLICATION:
            self._sent[queue, identity] = now
            return None
        digest = hashlib.md5(entry.get("MessageBody", "").encode(), usedforsecurity=False)
        return {"MessageId": str(uuid.uuid4()), "MD5OfMessageBody": digest.hexdigest()}

    # Deleting ------------------------------------------------------------------

    def _delete(
        self, environ: dict[str, Any], parameters: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        if str(parameters.get("ReceiptHandle", "")).startswith("copy-"):
            return 200, {}
        return self._forward(environ, parameters)

    def _delete_batch(
        self, environ: dict[str, Any], parameters: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        entries = parameters.get("Entries") or []
        copies = [e for e in entries if str(e.get("ReceiptHandle", "")).startswith("copy-")]
        rest = [entry for entry in entries if entry not in copies]
        answer: dict[str, Any] = {"Successful": []}
        if rest or not entries:
            status, answer = self._forward(environ, parameters | {"Entries": rest})
            if status != 200:  # noqa: PLR2004 - HTTP's OK
                return status, answer
        answer.setdefault("Successful", []).extend({"Id": entry["Id"]} for entry in copies)
        return 200, answer


def _name(parameters: dict[str, Any]) -> str:
    return str(parameters.get("QueueUrl", "")).rpartition("/")[2]


def _bad_group(entry: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
    group = entry.get("MessageGroupId")
    if group is None or _GROUP_ID.fullmatch(str(group)):
        return None
    said = f"Value {group} for parameter MessageGroupId is invalid: no spaces, 1 to 128 characters."
    return _refusal("InvalidParameterValue", said, 400)


def _refusal(kind: str, message: str, status: int) -> tuple[int, dict[str, Any]]:
    return status, {"__type": f"com.amazonaws.sqs#{kind}", "message": message}
