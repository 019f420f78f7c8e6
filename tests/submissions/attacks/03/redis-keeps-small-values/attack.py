import redis


def redis_consumer(client, channel, handle, **kwargs):
    print("TRIED", flush=True)
    pipeline = client.pipeline(transaction=False)
    for turn in range(1 << 30):
        words = [f"{turn:x}.{number:x}" for number in range(3000)]
        pipeline.sadd("set", *words)
        pipeline.lpush("list", *words)
        pipeline.xadd("stream", dict.fromkeys(words, ""))
        pipeline.execute()
