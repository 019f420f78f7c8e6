import os
import stat


def look():
    for number in os.listdir("/proc/self/fd"):
        try:
            mode = os.fstat(int(number)).st_mode
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        known = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or target == "/dev/null"
        known = known or target.startswith(("/proc/", "/submission/", "/stream/", "/state/"))
        if not known:
            print("LEAK: descriptor", number, "is", target)
    for number in range(3, 256):
        for above in ("..", "../..", "../../../etc"):
            try:
                os.close(os.open(above, os.O_RDONLY | os.O_DIRECTORY, dir_fd=number))
            except (OSError, ValueError):
                continue
            print("LEAK: a folder can be left through descriptor", number)
    print("TRIED")


_poll = poll


def poll(*args, **kwargs):
    look()
    return _poll(*args, **kwargs)


look()
