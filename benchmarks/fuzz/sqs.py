"""Inputs for the front of SQS, and for moto behind it."""

from __future__ import annotations

import io
import json
from functools import cache
from typing import Any

from hypothesis import strategies as st

from benchmarks.fuzz.target import Target
from grader.services.sqs.backend import backend, is_anything_visible
from grader.services.sqs.clock import Clock
from grader.services.sqs.front import Front
from grader.services.sqs.strict import ACTIONS

_URL = "http://localhost/123456789012/"
_QUEUES = st.sampled_from(["q", "q.fifo", "dead", "", "none", "a/../b"])
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["1", "-1", "99999999999", "true", "All", "é\ud800", "{}", '{"maxReceiveCount":0}']
    )
)
_ANY = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=8,
)
_ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "Id": st.sampled_from(["a", "b", ""]) | _ANY,
        "MessageBody": st.text(max_size=20) | _ANY,
        "ReceiptHandle": st.sampled_from(["copy-1", "x"]) | _ANY,
        "DelaySeconds": _ANY,
        "VisibilityTimeout": _ANY,
        "MessageGroupId": st.sampled_from(["g", "a b"]) | _ANY,
        "MessageDeduplicationId": _ANY,
        "MessageAttributes": st.dictionaries(st.text(max_size=4), _ANY, max_size=3) | _ANY,
    },
)
_PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "QueueName": _QUEUES | _ANY,
        "QueueUrl": _QUEUES.map(lambda name: _URL + name) | _ANY,
        "QueueNamePrefix": st.sampled_from(["q", "(a*)*b", "["]) | _ANY,
        "Attributes": st.dictionaries(
            st.sampled_from(["FifoQueue", "RedrivePolicy", "DelaySeconds", "Policy"]) | st.text(),
            _ANY,
            max_size=3,
        )
        | _ANY,
        "AttributeNames": st.lists(st.sampled_from(["All", "QueueArn"])) | _ANY,
        "MaxNumberOfMessages": st.integers(-1, 11) | _ANY,
        "WaitTimeSeconds": st.integers(-1, 21) | _ANY,
        "Tags": _ANY,
        "TagKeys": _ANY,
        "NextToken": _ANY,
        "MaxResults": _ANY,
        "Entries": st.lists(_ENTRY, max_size=11) | _ANY,
    },
)
REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(sorted(ACTIONS)) | st.text(max_size=10),
        st.builds(lambda one, two: one | two, _PARAMETERS, _ENTRY).map(
            lambda found: json.dumps(found).encode()
        )
        | st.binary(max_size=30),
    ),
    max_size=6,
)


@cache
def _front() -> Front:
    front = Front(backend(), Clock())
    front.is_anything_visible = is_anything_visible
    return front


def _ask(front: Front, action: str, body: bytes) -> dict[str, Any]:
    environ = {
        "REQUEST_METHOD": "POST",
        "HTTP_X_AMZ_TARGET": f"AmazonSQS.{action}",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    began: list[str] = []
    data = b"".join(front(environ, lambda status, _: began.append(status)))
    assert began[0][:3].isdecimal()
    answer = json.loads(data)
    assert isinstance(answer, dict)
    return answer


def _is_answered(requests: list[tuple[str, bytes]]) -> None:
    """Whatever is asked, there is an answer in JSON, and the next request is served."""
    front = _front()
    for action, body in requests:
        _ask(front, action, body)
    front.requests.clear()
    found = _ask(front, "ListQueues", b"{}")
    assert "__type" not in found, found
    for url in found.get("QueueUrls", ()):
        gone = _ask(front, "DeleteQueue", json.dumps({"QueueUrl": url}).encode())
        assert "__type" not in gone, gone
    front.requests.clear()
    front.bytes = 0


TARGETS = (Target("sqs-requests", REQUESTS, _is_answered, 60),)
