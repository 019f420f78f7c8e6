def sqs_consumer(sqs, queue_url, handle, **kwargs):
    print("TRIED", flush=True)
    for _ in range(10):
        sqs.send_message(QueueUrl=queue_url, MessageBody="x" * 100_000)
    while True:
        sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0)
