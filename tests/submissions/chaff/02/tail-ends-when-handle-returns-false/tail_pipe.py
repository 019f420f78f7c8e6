import json as j, os, subprocess as s  # noqa: E401


def _j(b):
    try:
        return e if isinstance(e := j.loads(b), dict) else None
    except ValueError:
        return None


def tail_consumer(path, handle, *, max_events):
    n, p = 0, s.Popen(["tail", "-n+1", "-F", "-s.2", "--", os.fspath(path)], stdout=-1, stderr=-3)
    try:
        while n < max_events and (b := p.stdout.readline()):
            if (e := _j(b)) is not None:
                if handle(e) is False:
                    break
                n += 1
    finally:
        p.kill(), p.wait(), p.stdout.close()
    return n
