"""The layer in front of moto: lets only SQS through, records, and goes wrong when told to."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from werkzeug.test import create_environ

from grader.services.gate import Gate, Packet
from grader.services.sqs.backend import REGION
from grader.services.sqs.clock import Clock
from grader.services.sqs.faults import REFUSED, Faults, copy_of, is_copy, with_failed
from grader.services.sqs.recorded import Parameters, Request, in_words
from grader.services.sqs.strict import (
    ACTIONS,
    MAX_ENTRIES,
    OK,
    Answer,
    Deduplication,
    Receipts,
    parsed,
    refusal,
    refuse_batch,
    refuse_message,
)

_TARGET = "AmazonSQS"
_JSON = "application/x-amz-json-1.0"
_ERRORS = 400
_MAX_BODY = 8 << 20
"""Bytes of a request. A message of 1 MiB whose characters are all escaped in JSON has 6 MiB."""
_DIGITS = 9
MAX_BYTES = 96 << 20
"""Of all requests of one submission and their answers, which are kept while a test runs."""
MOST_REQUESTS = 20_000
"""Of one submission, whatever is said to them: exercises need some hundreds."""
_LONGEST_WAIT = 20
"""Seconds that a long poll may last."""

StartResponse = Callable[[str, list[tuple[str, str]]], object]
Environ = dict[str, Any]


class Front:
    """A WSGI application around moto's."""

    def __init__(self, app: Any, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._backend = threading.Condition()
        self.requests: list[Request] = []
        self.faults = Faults()
        self.base_url = "http://localhost"
        """Where the consumer finds the service: what the URLs of queues begin with."""
        self.region = REGION
        """Region of the queues that requests are about."""
        self.observe: Callable[[str], None] = lambda _: None
        """Told each request of the consumer's in words."""
        self.is_anything_visible: Callable[[str], bool] = lambda _: True
        """Whether a receive from the queue of that name has to look; a long poll asks it often."""
        self.gate = Gate()
        """What is asked before a request of the consumer's, or the answer to one, goes on."""
        self.impatient = True
        """Whether an empty long poll moves the clock instead of waiting."""
        self.batches = 0
        """SendMessageBatch requests so far; what `fail_entry` is told."""
        self.messages = 0
        """SendMessage requests so far; what `refuse` is told."""
        self.delete_batches = 0
        """DeleteMessageBatch requests so far; what `fail_delete` is told."""
        self.receives = 0
        """ReceiveMessage requests so far; what `empty` counts."""
        self.bytes = 0
        """Of the consumer's requests and their answers so far."""
        self.came = 0
        """The consumer's requests so far, and what came in place of one."""
        self._copies: dict[str, list[dict[str, Any]]] = {}
        self._receipts = Receipts()
        self._deduplication = Deduplication(lambda: clock.now().timestamp())

    def trusted(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the suite, as a WSGI application: not recorded, not disturbed, without waiting."""
        return self._serve(environ, start_response, self._at_once)

    def ask(self, action: str, parameters: Parameters) -> Answer:
        """Answer a request of the suite's, without a connection."""
        return self._at_once(action, parameters)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the consumer, as a WSGI application."""
        return self._serve(environ, start_response, self._recorded, counted=True)

    @property
    def exceeded(self) -> bool:
        """Tell whether the consumer sent or fetched more than it may; it gets no answer since."""
        return self.bytes > MAX_BYTES or self.came > MOST_REQUESTS

    def admits(self) -> bool:
        """Count a request that is about to be read; tell whether it is to be."""
        self.came += 1
        return self.came <= MOST_REQUESTS

    def _serve(
        self,
        environ: Environ,
        start_response: StartResponse,
        act: Callable[[str, Parameters], Answer],
        *,
        counted: bool = False,
    ) -> Iterable[bytes]:
        target, _, action = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        length = _length(environ.get("CONTENT_LENGTH") or "0")
        if counted:  # before it is read: many may come at once
            self.bytes += length
        if target != _TARGET:
            answer = refusal("AccessDenied", "only Amazon SQS is served here", 403)
        elif action not in ACTIONS:
            answer = refusal("InvalidAction", "no exercise needs this action, or SQS has none")
        elif length > _MAX_BODY:
            answer = refusal("RequestTooLarge", f"at most {_MAX_BODY} bytes", 413)
        elif counted and self.exceeded:
            answer = refusal("RequestThrottled", f"at most {MAX_BYTES} bytes in all", 403)
        else:
            body = environ["wsgi.input"].read(length)
            try:
                answer = act(action, parsed(body))
            except Exception as error:  # noqa: BLE001 - of a request that no client of SQS makes
                answer = refusal("InvalidParameterValue", f"{type(error).__name__}: {error}"[:500])
        data = json.dumps(answer.body).encode()
        if counted:
            said = sum(len(value) for name, value in environ.items() if name.startswith("HTTP_"))
            self.bytes += said + len(data)
        headers = [
            ("Content-Type", _JSON),
            ("Content-Length", str(len(data))),
        ]
        if answer.query_error:
            headers.append(("x-amzn-query-error", answer.query_error))
        start_response(f"{answer.status} {'OK' if answer.status < _ERRORS else 'Error'}", headers)
        return [data]

    def _at_once(self, action: str, parameters: Parameters) -> Answer:
        if action == "ReceiveMessage":  # a queue may have a waiting time of its own
            parameters = {**parameters, "WaitTimeSeconds": 0}
        return self._forward(action, parameters)

    def _recorded(self, action: str, parameters: Parameters) -> Answer:
        act = {
            "ReceiveMessage": self._receive,
            "SendMessage": self._send,
            "SendMessageBatch": self._send_batch,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": self._delete_batch,
        }.get(action)
        if not self.gate.wait(Packet("SQS", action, up=True)):
            return refusal("RequestDropped", "its program was killed before it was sent")
        answer = act(parameters) if act is not None else self._forward(action, parameters)
        request = Request(action, parameters, answer.body, answer.status)
        self.requests.append(request)
        self.observe(in_words(request))
        self.gate.wait(Packet("SQS", action, up=False))
        return answer

    def _forward(self, action: str, parameters: Parameters) -> Answer:
        """Hand a request to moto; one at a time, since its receives are not locked.

        Nothing of the consumer's request goes on but what was understood of it: its action, as the
        record has it, and its parameters.
        """
        body = json.dumps(parameters).encode()
        request = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        inner = _environ(self.base_url, action, self.region) | request
        began: list[tuple[str, dict[str, str]]] = []
        with self._backend:
            chunks = self._app(
                inner, lambda status, headers, _=None: began.append((status, dict(headers)))
            )
            data = b"".join(chunks)
            self._backend.notify_all()
            status, headers = began[0]
            error = headers.get("x-amzn-query-error", "")
            answer = Answer(int(status.split()[0]), json.loads(data or b"{}"), error)
            if action == "ReceiveMessage" and answer.status == OK:
                self._receipts.remember(answer.body.get("Messages") or [])
        return answer

    # Receiving -----------------------------------------------------------------

    def _receive(self, parameters: Parameters) -> Answer:
        queue = _name(parameters)
        with self._backend:
            self.receives += 1
            kept_empty = self.receives in self.faults.empty
            if not kept_empty and (copies := self._copies.get(queue)):
                return Answer(OK, {"Messages": [copies.pop(0)]})
        seconds = parameters.get("WaitTimeSeconds") or 0
        if not 0 <= seconds <= _LONGEST_WAIT:
            return self._forward("ReceiveMessage", parameters)  # moto refuses it
        if kept_empty:
            self._clock.advance(seconds)
            return Answer(OK, {})
        at_once = {**parameters, "WaitTimeSeconds": 0}
        if at_once.get("MaxNumberOfMessages", 1) > self.faults.most:
            at_once["MaxNumberOfMessages"] = self.faults.most
        answer = self._forward("ReceiveMessage", at_once)
        for _ in self._waits(queue, seconds):
            if answer.body.get("Messages") or answer.status != OK:
                break
            answer = self._forward("ReceiveMessage", at_once)
        messages = answer.body.get("Messages")
        if messages and queue in self.faults.duplicate:
            self.faults.duplicate.discard(queue)
            self._copies.setdefault(queue, []).append(copy_of(messages[0]))
        return answer

    def _waits(self, queue: str, seconds: int) -> Iterator[None]:
        """Yield the moments of a long poll at which to look again."""
        if self.impatient:
            for _ in range(seconds):
                self._clock.advance(1)
                if self.is_anything_visible(queue):
                    yield
            return
        end = self._clock.now().timestamp() + seconds
        while (left := end - self._clock.now().timestamp()) > 0:
            with self._backend:
                self._backend.wait(min(left, 0.05))
            yield

    # Sending -------------------------------------------------------------------

    def _send(self, parameters: Parameters) -> Answer:
        queue = _name(parameters)
        if refused := refuse_message(queue, parameters):
            return refused
        with self._backend:
            self.messages += 1
            pick = self.faults.refuse
            if pick is not None and pick(parameters, self.messages):
                return refusal("InvalidMessageContents", REFUSED)
            if known := self._deduplication.known(queue, parameters):
                return Answer(OK, known)
            answer = self._forward("SendMessage", parameters)
            if answer.status == OK:
                self._deduplication.remember(queue, parameters)
        return answer

    def _send_batch(self, parameters: Parameters) -> Answer:
        entries = parameters.get("Entries") or []
        queue = _name(parameters)
        if refused := refuse_batch(queue, entries):
            return refused
        with self._backend:
            self.batches += 1
            if len(entries) > MAX_ENTRIES:  # moto says so; what follows could make it shorter
                return self._forward("SendMessageBatch", parameters)
            pick = self.faults.fail_entry
            failed = [entry for entry in entries if pick is not None and pick(entry, self.batches)]
            taken = [entry for entry in entries if entry not in failed]
            known = {
                entry["Id"]: taken_as
                for entry in taken
                if (taken_as := self._deduplication.known(queue, entry)) is not None
            }
            fresh = [entry for entry in taken if entry["Id"] not in known]
            body: dict[str, Any] = {}
            if fresh or not entries:
                answer = self._forward("SendMessageBatch", {**parameters, "Entries": fresh})
                if answer.status != OK:
                    return answer
                body = answer.body
                for entry in fresh:
                    self._deduplication.remember(queue, entry)
        old = [{"Id": each, **taken_as} for each, taken_as in known.items()]
        body = {**body, "Successful": [*body.get("Successful", []), *old]}
        return Answer(OK, with_failed(body, failed, sender_fault=self.faults.sender_fault))

    # Deleting ------------------------------------------------------------------

    def _delete(self, parameters: Parameters) -> Answer:
        if self._deletes_nothing(parameters):
            return Answer(OK, {})
        return self._forward("DeleteMessage", parameters)

    def _deletes_nothing(self, entry: Parameters) -> bool:
        return is_copy(entry) or self._receipts.is_old(entry)

    def _delete_batch(self, parameters: Parameters) -> Answer:
        entries = parameters.get("Entries") or []
        with self._backend:
            self.delete_batches += 1
            pick = self.faults.fail_delete
            failed = [e for e in entries if pick is not None and pick(e, self.delete_batches)]
        taken = [entry for entry in entries if entry not in failed]
        rest = [entry for entry in taken if not self._deletes_nothing(entry)]
        nothing = [entry for entry in taken if entry not in rest]
        body: dict[str, Any] = {}
        if rest or not entries:
            answer = self._forward("DeleteMessageBatch", {**parameters, "Entries": rest})
            if answer.status != OK:
                return answer
            body = answer.body
        gone = [{"Id": entry["Id"]} for entry in nothing]
        body = {**body, "Successful": [*body.get("Successful", []), *gone]}
        return Answer(OK, with_failed(body, failed))


def _length(text: str) -> int:
    """Return the length that a request says; too large for no length, or one of many digits."""
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else _MAX_BODY + 1


@cache
def _environ(base_url: str, action: str, region: str) -> Environ:
    """Return a request of that action, without its body; moto takes the region from its login."""
    headers = {
        "X-Amz-Target": f"{_TARGET}.{action}",
        "Content-Type": _JSON,
        "Authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/{region}/sqs/aws4_request",
    }
    return create_environ(method="POST", base_url=base_url, headers=headers)


def _name(parameters: Parameters) -> str:
    return str(parameters.get("QueueUrl", "")).rpartition("/")[2]
