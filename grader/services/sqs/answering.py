"""Tell whether a SQS answers at an address, or another program that has its port."""

from __future__ import annotations

_SECONDS = 3.0
"""For an answer: who is silent for so long on this machine is no server of ours."""


def sqs_problem(url: str) -> str:
    """Return why an SQS cannot be used, in a few words; "" where one answers."""
    import boto3  # noqa: PLC0415 - each client is imported where it is needed
    from botocore.config import Config  # noqa: PLC0415 - as above

    try:
        client = boto3.client(
            "sqs",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - what every local stand-in takes
            config=Config(
                connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": 1}
            ),
        )
        client.list_queues(MaxResults=1)
    except Exception:  # noqa: BLE001 - whatever the client makes of another program's answer
        return "no SQS answers"
    return ""
