def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    names = []
    while True:
        names.append(f"{len(names):0200d}")
        other = f"{max(len(names) - 2, 0):0200d}"
        channel.exchange_declare(names[-1], "topic", arguments={"alternate-exchange": other})
        if len(names) % 50 == 0:
            for source in names[-3:]:
                channel.exchange_bind(names[-1], source, routing_key="#")
