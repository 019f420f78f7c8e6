def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    for number in range(10_000):
        most = {"x-max-priority": 255}
        channel.queue_declare(f"urgent{number}", durable=True, arguments=most)
        urgent = pika.BasicProperties(priority=number % 256, delivery_mode=2)
        channel.basic_publish("", f"urgent{number}", b"x", urgent)
