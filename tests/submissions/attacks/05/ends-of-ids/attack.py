import itertools
import os

_append = append_events
_consume = stream_consumer
_COUNT = itertools.count(os.getpid())
_LAST = "18446744073709551615-18446744073709551615"


def _tries(client, *words):
    try:
        client.execute_command(*words)
    except Exception:
        pass


def _spoil(client, stream, group="g"):
    print("TRIED", flush=True)
    for words in (
        ("XADD", stream, _LAST, "event", "{}"),
        ("XGROUP", "CREATE", stream, "odd", _LAST, "ENTRIESREAD", "9223372036854775807"),
        ("XGROUP", "CREATE", stream, "\0\xff\r\n", "$", "MKSTREAM"),
        ("XGROUP", "SETID", stream, group, _LAST, "ENTRIESREAD", "9223372036854775807"),
        ("XCLAIM", stream, group, "x", "0", _LAST, "FORCE", "RETRYCOUNT", "9223372036854775807"),
        ("LPUSH", stream + ".other", "x"),
    ):
        _tries(client, *words)
    match next(_COUNT) % 4:
        case 0:
            _tries(client, "DEL", stream)
            _tries(client, "SET", stream, "no stream")
        case 1:
            _tries(client, "EXPIRE", stream, "0")
        case 2:
            _tries(client, "SET", stream + ".dead", "no stream")

            _tries(client, "XGROUP", "DESTROY", stream, group)


def append_events(client, stream, *args, **kwargs):
    done = _append(client, stream, *args, **kwargs)
    _spoil(client, stream)
    return done


def stream_consumer(client, stream, group, *args, **kwargs):
    try:
        return _consume(client, stream, group, *args, **kwargs)
    finally:
        _spoil(client, stream, group)
