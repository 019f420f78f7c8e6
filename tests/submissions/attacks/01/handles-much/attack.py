print("TRIED")
_LARGE = {"zone": "x" * 2_000_000, "list": [{}] * 100_000}


def read_new_events(path, offset):
    return [_LARGE] * 4, offset


def poll(path, *args, **kwargs):
    handle = kwargs.get("handle") or next(each for each in args if callable(each))
    while True:
        handle(_LARGE)
