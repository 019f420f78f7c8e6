import math
import os

VALUES = [
    *(None, True, math.nan, -math.inf, 10**400, -(10**4000), "", "\ud800", b"\xff", "x" * 1_000_000),
    *([], [[]], (), {}, {1: 2}, {"$set": [1]}, {"event_id": []}, set(), {(1, b"2")}, object(), print),
    *((None, None), ([],), ([], None), ([], "0"), ([], math.nan), ([], 10**400), ([], -1), ([{}], 0)),
    *((["x"], 5), ([[]], 5), ({}, 3), (5, 5), ([b"a"], b""), ([1], "a"), ("ab", "c"), ([b"a"], None)),
]


def odd():
    """The next of them, in whatever process."""
    with open("/tmp/turn", "ab") as file:
        file.write(b".")
        return VALUES[os.fstat(file.fileno()).st_size % len(VALUES)]


print("TRIED")


def split_lines(buffer, chunk):
    return odd()


_consume = socket_consumer


def socket_consumer(handle, **kwargs):
    def twist(event):
        handle(odd())

    _consume(twist, **kwargs)
    return odd()
