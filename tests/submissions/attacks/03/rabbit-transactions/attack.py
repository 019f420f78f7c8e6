def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    connection = pika.BlockingConnection(parameters)
    channels = []
    for _ in range(200):
        channels.append(connection.channel())
        channels[-1].tx_select()
    channels[0].queue_declare("pending", durable=True)
    while True:
        for channel in channels:
            channel.basic_publish("", "pending", b"x" * 10)
