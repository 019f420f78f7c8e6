def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    names = [f"cc{number}" for number in range(10)]
    for name in names:
        onward = {"x-message-ttl": 1, "x-dead-letter-exchange": ""}
        channel.queue_declare(name, durable=True, arguments=onward)
    for header in ("CC", "BCC"):
        properties = pika.BasicProperties(headers={header: names[1:]})
        channel.basic_publish("", names[0], b"x" * 3000, properties)
    while True:
        connection.process_data_events(1)
