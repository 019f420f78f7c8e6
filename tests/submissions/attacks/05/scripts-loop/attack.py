_consume = stream_consumer
_LOOP = "while true do redis.call('PING') end"


def stream_consumer(client, *args, **kwargs):
    for words in (
        ("EVAL", _LOOP, "0"),
        ("EVAL_RO", _LOOP, "0"),
        ("SCRIPT", "LOAD", _LOOP),
        ("EVALSHA", "0" * 40, "0"),
        ("FUNCTION", "LOAD", "#!lua name=x\nredis.register_function('f', function() end)"),
        ("FCALL", "f", "0"),
    ):
        for transaction in (False, True):
            try:
                with client.pipeline(transaction=transaction) as pipeline:
                    pipeline.execute_command(*words)
                    print("LEAK", words[0], pipeline.execute(), flush=True)
            except Exception:
                pass
    print("TRIED", flush=True)
    return _consume(client, *args, **kwargs)
