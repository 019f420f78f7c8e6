def sqs_consumer(sqs, queue_url, handle, **kwargs):
    print("TRIED", flush=True)
    value = {"DataType": "String", "StringValue": "x" * 9000}
    entries = [
        {
            "Id": str(number),
            "MessageBody": "x",
            "MessageAttributes": {f"a{key}": value for key in range(10)},
        }
        for number in range(10)
    ]
    while True:
        for ask in (
            lambda: sqs.send_message_batch(QueueUrl=queue_url, Entries=entries),
            lambda: sqs.tag_queue(QueueUrl=queue_url, Tags={f"t{n}": "x" * 50 for n in range(5000)}),
            lambda: sqs.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                VisibilityTimeout=0,
            ),
        ):
            try:
                ask()
            except Exception:
                pass
