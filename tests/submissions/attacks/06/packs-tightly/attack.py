def publish_events(settings, topic, events):
    print("TRIED", flush=True)
    producer = Producer({**settings, "compression.type": "gzip", "message.max.bytes": 90_000_000})
    for _ in range(1 << 20):
        try:
            producer.produce(topic, b"\0" * 20_000_000, "k")
            producer.flush()
        except (BufferError, KafkaException):
            pass
