import os
import sys

_consume = kafka_consumer


def kafka_consumer(settings, topic, group, *args, **kwargs):
    print("TRIED", flush=True)
    for _ in range(5):
        if os.fork() == 0:
            os.setsid()
            if os.fork() != 0:
                os._exit(0)
            sys.stdout = sys.stderr = open(os.devnull, "w")
            member = Consumer({**settings, "group.id": group, "enable.auto.commit": True})
            member.subscribe([topic])
            while True:
                member.poll(1)
    return _consume(settings, topic, group, *args, **kwargs)
