import redis


def redis_consumer(client, channel, handle, **kwargs):
    print("TRIED", flush=True)
    client.rpush("list", *("x" * 10 for _ in range(3000)))
    for turn in range(200):
        client.rpush("list", *(str(turn) for _ in range(3000)))
        client.xadd("stream", {"n": turn})
    while True:
        pipeline = client.pipeline(transaction=False)
        for number in range(2000):
            pipeline.lrem("list", 0, f"not there {number}")
            pipeline.xrange("stream", "-", "+")
        pipeline.execute()
