print("TRIED")
_MANY = [0.5] * 3_500_000


def read_new_events(path, offset):
    return _MANY, offset


def poll(path, *args, **kwargs):
    for _ in range(3):
        kwargs["handle"](_MANY) if "handle" in kwargs else args[0](_MANY)
    return _MANY
