import os


def stream_consumer(client, stream, *args, **kwargs):
    print("TRIED", flush=True)
    junk = os.urandom(100_000)
    for _ in range(1 << 30):
        pipeline = client.pipeline(transaction=False)
        for _ in range(20):
            pipeline.xadd(stream, {"event": junk})
        pipeline.execute()
