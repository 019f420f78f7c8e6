def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.queue_declare("again", durable=True)
    for _ in range(3):
        channel.basic_publish("", "again", b"x" * (1 << 20))
    while True:
        for delivery, _, _ in channel.consume("again"):
            channel.basic_nack(delivery.delivery_tag, requeue=True)
