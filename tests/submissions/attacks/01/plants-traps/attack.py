import os

_poll = poll
print("TRIED")


def poll(path, handle, *, offset_path=None, **kwargs):
    try:
        return _poll(path, handle, offset_path=offset_path, **kwargs)
    finally:
        if offset_path is not None:
            os.unlink(offset_path)
            match os.getpid() % 4:
                case 0:
                    os.symlink("/secret.txt", offset_path)
                case 1:
                    os.mkfifo(offset_path)
                case 2:
                    os.mkdir(offset_path)
                case 3:
                    with open(offset_path, "wb") as file:
                        file.truncate(64 << 20)
