_poll = poll


def poll(path, handle, **kwargs):
    def slowly(event):
        print("TRIED")
        time.sleep(1.4)
        handle(event)

    return _poll(path, slowly, **kwargs)


_read = read_new_events


def read_new_events(path, offset):
    print("TRIED")
    time.sleep(1.4)
    return _read(path, offset)
