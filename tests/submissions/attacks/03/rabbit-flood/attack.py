_consume = rabbitmq_consumer


def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.queue_declare("flood", durable=True)
    while True:
        channel.basic_publish("", "flood", b"x" * (1 << 20))
