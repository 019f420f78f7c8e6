def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.exchange_declare("wide", "fanout")
    for number in range(200):
        channel.queue_declare(f"wide{number}", durable=True)
        channel.queue_bind(f"wide{number}", "wide")
        channel.basic_consume(f"wide{number}", lambda *_: None)
    while True:
        for _ in range(1000):
            channel.basic_publish("wide", "", b"")
        connection.process_data_events(0)
