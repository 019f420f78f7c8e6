import pika.exceptions


def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    for layer in range(20):
        connection = pika.BlockingConnection(parameters)
        channel = connection.channel()
        channel.exchange_declare(f"x{layer}", "fanout")
        try:
            channel.exchange_declare(f"x{layer}", "direct")
        except pika.exceptions.ChannelClosedByBroker:
            channel = connection.channel()
        for half in "ab":
            onward = {"x-message-ttl": 1, "x-dead-letter-exchange": f"x{layer + 1}"}
            channel.queue_declare(f"q{layer}{half}", durable=True, arguments=onward)
            channel.queue_bind(f"q{layer}{half}", f"x{layer}", routing_key=half)
        connection.close()
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    for _ in range(100):
        channel.basic_publish("x0", "a", b"x" * 3000)
    while True:
        connection.process_data_events(1)
