import os
import signal

import boto3

LOGIN = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}


def sqs_consumer(sqs, queue_url, handle, **kwargs):
    print("TRIED", flush=True)
    url = sqs.create_queue(QueueName="quiet")["QueueUrl"]
    for _ in range(40):
        if os.fork() == 0:
            client = boto3.client("sqs", endpoint_url=sqs.meta.endpoint_url, **LOGIN)
            while True:
                try:
                    client.receive_message(QueueUrl=url, WaitTimeSeconds=20)
                except Exception:
                    pass
    signal.pause()
