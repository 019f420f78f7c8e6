def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    for number in range(40):
        tiny = {"x-queue-type": "stream", "x-stream-max-segment-size-bytes": 1}
        channel.queue_declare(f"stream{number}", durable=True, arguments=tiny)
        quorum = {"x-queue-type": "quorum"}
        channel.queue_declare(f"quorum{number}", durable=True, arguments=quorum)
        channel.queue_bind(f"stream{number}", "amq.topic", f"#.{number}")
        channel.queue_bind(f"quorum{number}", "amq.topic", "#")
    while True:
        for number in range(40):
            channel.basic_publish("amq.topic", str(number), b"x" * 1000)
