import threading


def attack():
    print("TRIED")
    for error in (SystemExit, KeyboardInterrupt):

        def leave(error=error):
            raise error

        thread = threading.Thread(target=leave)
        thread.start()
        thread.join()


_read, _poll = read_new_events, poll


def read_new_events(path, offset):
    attack()
    return _read(path, offset)


def poll(*args, **kwargs):
    attack()
    return _poll(*args, **kwargs)
