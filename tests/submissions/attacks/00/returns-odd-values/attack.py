import itertools
import os

_COUNT = itertools.count(os.getpid())


class _Liar(dict):
    __class__ = property(lambda self: dict)
    __hash__ = property(lambda self: os._exit(0))

    def __eq__(self, other):
        return True

    def __iter__(self):
        return iter(())

    def items(self):
        return itertools.repeat(("x", "x"))

    def __reduce__(self):
        print("LEAK: a pickle")
        return os.system, ("echo LEAK",)

    def __repr__(self):
        return "LEAK" if False else "\x1b[2J" * 1000


class _Line(bytes):
    def __len__(self):
        return -1

    def __getitem__(self, place):
        raise SystemExit(0)

    def __str__(self):
        raise KeyboardInterrupt


def parse(line):
    print("TRIED", flush=True)
    nested = {}
    for _ in range(500):
        nested = {"\ud800": nested}
    odd = (
        _Liar(event_id=1),
        {"\udcff\0": float("nan"), "$dict": [], "$new": ["os.system", ["true"], {}]},
        nested,
        {"n": 10**4000, "f": float("-inf"), "c": 1j, "b": b"\xff" * (1 << 20)},
        {number: number for number in range(100_000)},
        type("dict", (), {"__class__": dict})(),
        (item for item in ()),
        NotImplemented,
        Ellipsis,
    )
    return odd[next(_COUNT) % len(odd)]


def encode(event):
    odd = (_Line(b"{}\n"), memoryview(b"{}\n"), bytearray(b"{}\n"), b"x" * (6 << 20), "\ud800\n", [b"{}", b"\n"])
    return odd[next(_COUNT) % len(odd)]
