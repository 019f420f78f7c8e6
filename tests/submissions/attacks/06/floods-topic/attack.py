import os


def publish_events(settings, topic, events):
    print("TRIED", flush=True)
    junk = os.urandom(200_000)
    producer = Producer({**settings, "linger.ms": 0})
    for number in range(1 << 30):
        try:
            producer.produce(topic, junk, str(number))
        except BufferError:
            producer.poll(1)
