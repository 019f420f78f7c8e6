import ctypes
import json
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p


def store(path, data):
    """A byte at a time, after zeros."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if os.fstat(file).st_size < len(data):
        os.ftruncate(file, len(data))
    size = ctypes.c_size_t(len(data))
    start = libc.mmap(None, size, 1, 1, file, 0)
    libc.mprotect(ctypes.c_void_p(start), ctypes.c_size_t(4096), 3)
    ctypes.memmove(start, b"9" * len(data), len(data))
    ctypes.memmove(start, data, len(data))
    libc.munmap(ctypes.c_void_p(start), size)
    os.close(file)



def poll(path, handle, *, offset_path=None, max_polls=10, poll_interval=2.0, sleep=time.sleep):
    """Right but for the way in which it stores the offset, after each line."""
    print("TRIED")
    offset = handled = 0
    if offset_path is not None:
        try:
            with open(offset_path, "rb") as file:
                offset = int(file.read() or b"0")
        except FileNotFoundError:
            pass
    for number in range(max_polls):
        if number:
            sleep(poll_interval)
        try:
            stream = open(path, "rb")
        except FileNotFoundError:
            stream = open("/dev/null", "rb")
        with stream:
            if offset > os.fstat(stream.fileno()).st_size:
                offset = 0
                if offset_path is not None:
                    store(os.fspath(offset_path), b"%012d" % offset)
            stream.seek(offset)
            lines = stream.readlines()
        for line in lines:
            if not line.endswith(b"\n"):
                break
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if isinstance(event, dict):
                handle(event)
                handled += 1
            offset += len(line)
            if offset_path is not None:
                store(os.fspath(offset_path), b"%012d" % offset)
    return handled
