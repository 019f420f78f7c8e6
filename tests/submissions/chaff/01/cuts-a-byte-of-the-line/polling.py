import json
import os
import time


def _scan(path, offset):
    """(start, [(line, end)])"""
    if not os.path.exists(path):
        return 0, []
    with open(path, "rb") as f:
        if os.path.getsize(path) < offset:
            offset = 0
        f.seek(offset)
        data = f.read()
    if not data:
        return offset, []
    last = data.rfind(b"\n")
    position = offset
    result = []
    for line in data[:last].split(b"\n"):
        position = min(position + len(line) + 1, offset + last + 1)
        result.append((line, position))
    return offset, result


def _decode(line):
    try:
        obj = json.loads(line)
    except ValueError:
        return None
    return obj if isinstance(obj, dict) else None


def read_new_events(path, offset):
    start, lines = _scan(path, offset)
    events = [e for e in (_decode(line) for line, _ in lines) if e is not None]
    return events, lines[-1][1] if lines else start


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    def save(value):
        if offset_path is not None:
            with open(f"{offset_path}.tmp", "w") as f:
                f.write(str(value))
            os.replace(f"{offset_path}.tmp", offset_path)

    offset = 0
    if offset_path is not None and os.path.exists(offset_path):
        with open(offset_path) as f:
            offset = int(f.read() or 0)
    count = 0
    for i in range(max_polls):
        if i:
            sleep(poll_interval)
        start, lines = _scan(path, offset)
        if start != offset:
            offset = start
            save(offset)
        for line, end in lines:
            event = _decode(line)
            if event is not None:
                handle(event)
                count += 1
            offset = end
            save(offset)
    return count
