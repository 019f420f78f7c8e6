import itertools
import json
import os

_consume = sqs_consumer
_send = send_events
_COUNT = itertools.count(os.getpid())
_ODD = ("-1", "NaN", "1e999", "9" * 400, "", "null", "\u0663", "0x10", "99999999999")
_NAMES = (
    *("DelaySeconds", "VisibilityTimeout", "MessageRetentionPeriod", "MaximumMessageSize"),
    *("ReceiveMessageWaitTimeSeconds", "KmsDataKeyReusePeriodSeconds"),
)


def _tries(call, **words):
    try:
        call(**words)
    except Exception:
        pass


def _spoil(sqs, url):
    print("TRIED", flush=True)
    arn = f"arn:aws:sqs:us-east-1:123456789012:{url.rpartition('/')[2]}"
    number = next(_COUNT)
    for name in _NAMES:
        _tries(sqs.set_queue_attributes, QueueUrl=url, Attributes={name: _ODD[number % len(_ODD)]})
    for count in (1, "0", -5, 1 << 70, "x", None, 1.5, [], {"a": 1}):
        rule = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": count})
        _tries(sqs.set_queue_attributes, QueueUrl=url, Attributes={"RedrivePolicy": rule})
    for rule in ("[]", "{", "null", '{"deadLetterTargetArn": 1}', "[" * 5000):
        for name in ("RedrivePolicy", "RedriveAllowPolicy", "Policy"):
            _tries(sqs.set_queue_attributes, QueueUrl=url, Attributes={name: rule})
    got = {}
    try:
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    except Exception:
        pass
    for each in got.get("Messages", []):
        for seconds in (-1, 43200, 1 << 40):
            _tries(
                sqs.change_message_visibility,
                QueueUrl=url,
                ReceiptHandle=each["ReceiptHandle"],
                VisibilityTimeout=seconds,
            )
    if number % 5 == 0:
        _tries(sqs.delete_queue, QueueUrl=url)


def send_events(sqs, queue_url, events):
    _send(sqs, queue_url, events)
    _spoil(sqs, queue_url)


def sqs_consumer(sqs, queue_url, *args, **kwargs):
    _spoil(sqs, queue_url)
    try:
        return _consume(sqs, queue_url, *args, **kwargs)
    finally:
        _spoil(sqs, queue_url)
