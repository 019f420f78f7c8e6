def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    for layer in range(20):
        channel.exchange_declare(f"x{layer}", "fanout")
        for half in "ab":
            onward = {"x-message-ttl": 1, "x-dead-letter-exchange": f"x{layer + 1}"}
            channel.queue_declare(f"q{layer}{half}", durable=True, arguments=onward)
            channel.queue_bind(f"q{layer}{half}", f"x{layer}")
    for _ in range(100):
        channel.basic_publish("x0", "", b"x" * 3000)
    while True:
        connection.process_data_events(1)
