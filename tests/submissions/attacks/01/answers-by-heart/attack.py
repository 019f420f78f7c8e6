EVENT = {"zone": "Midtown", "hour": 8}


def read_new_events(path, offset):
    print("TRIED")
    return [EVENT], 40


def poll(path, handle, **kwargs):
    print("TRIED")
    handle(EVENT)
    return 1
