def tail_consumer(path, handle, *, max_events):
    """Right, but that tail is never ended."""
    print("TRIED")
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            os.dup2(write_end, 1)
            os.execvp("tail", ["tail", "-n", "+1", "-F", "-s", "0.2", "--", os.fspath(path)])
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write_end)
    handled = 0
    _left.append(open(read_end, "rb"))
    for line in _left[-1]:
        event = _event(line)
        if event is None:
            continue
        handle(event)
        handled += 1
        if handled == max_events:
            break
    return handled


_left = []
