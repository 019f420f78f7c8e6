import signal


def attack():
    print("TRIED", flush=True)
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        signal.pause()


def read_new_events(path, offset):
    attack()
