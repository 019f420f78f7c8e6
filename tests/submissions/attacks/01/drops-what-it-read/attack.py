import mmap
import os

_read = read_new_events


def read_new_events(path, offset):
    """By way of everything before, a window at a time."""
    print("TRIED")
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return _read(path, offset)
    size = os.fstat(file).st_size
    if offset <= size:
        for begin in range(0, offset - offset % mmap.PAGESIZE, 1 << 20):
            with mmap.mmap(file, min(1 << 20, size - begin), prot=mmap.PROT_READ, offset=begin) as seen:
                seen.find(b"\n\n")
                seen.madvise(mmap.MADV_DONTNEED)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)
    return _read(path, offset)
