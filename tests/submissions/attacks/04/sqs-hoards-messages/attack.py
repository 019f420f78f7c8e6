def sqs_consumer(sqs, queue_url, handle, **kwargs):
    print("TRIED", flush=True)
    entries = [{"Id": str(number), "MessageBody": "x"} for number in range(10)]
    while True:
        sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=43200)
