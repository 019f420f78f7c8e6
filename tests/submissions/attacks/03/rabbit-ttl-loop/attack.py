def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    print("TRIED", flush=True)
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    for number in range(6):
        onward = {
            "x-message-ttl": 0,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": f"ring{(number + 1) % 6}",
        }
        channel.queue_declare(f"ring{number}", durable=True, arguments=onward)
    deaths = [
        {"queue": f"ring{number}", "reason": "rejected", "count": 1, "exchange": "", "routing-keys": []}
        for number in range(6)
    ]
    forged = pika.BasicProperties(headers={"x-death": deaths})
    for number in range(1000):
        channel.basic_publish("", f"ring{number % 6}", b"x" * 100, forged)
    while True:
        connection.process_data_events(1)
