def stream_consumer(client, stream, group, *args, **kwargs):
    print("TRIED", flush=True)
    for _ in range(20):
        pipeline = client.pipeline(transaction=False)
        for _ in range(5000):
            pipeline.xadd("many", {"e": ""})
        pipeline.execute()
    for number in range(200):
        name = f"g{number}"
        client.xgroup_create("many", name, id="0")
        client.xreadgroup(name, "c", {"many": ">"}, count=1_000_000)
    while True:
        with client.pipeline(transaction=True) as pipeline:
            for number in range(3000):
                pipeline.xautoclaim("many", f"g{number % 200}", "d", 1 << 40, count=1_000_000)
                pipeline.xpending_range("many", "g0", "-", "+", 1_000_000, idle=1 << 40)
            pipeline.execute()
