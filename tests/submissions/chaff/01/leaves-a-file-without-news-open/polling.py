"""Polling, the Go way."""

from __future__ import annotations

import json
import os
import time


def open_file(path):
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), None
    except FileNotFoundError as err:
        return -1, err


def read_all(fd, offset):
    parts = []
    while True:
        part = os.pread(fd, 1 << 16, offset)
        if not part:
            return b"".join(parts)
        parts.append(part)
        offset += len(part)


def read_complete(path, offset):
    """Return where it begins, and the complete lines."""
    fd, err = open_file(path)
    if err is not None:
        return 0, b""
    size = os.fstat(fd).st_size
    if size == offset:
        return offset, b""
    try:
        if size < offset:
            offset = 0
        data = read_all(fd, offset)
    finally:
        os.close(fd)
    cut = data.rfind(b"\n")
    return offset, data[: cut + 1]


def decode(line):
    try:
        value = json.loads(line)
    except ValueError as err:
        return None, err
    if not isinstance(value, dict):
        return None, TypeError("no object")
    return value, None


def load(path):
    if path is None:
        return 0, None
    try:
        with open(path, "rb") as file:
            text = file.read()
    except FileNotFoundError as err:
        return 0, err
    if not text.strip():
        return 0, None
    return int(text), None


def store(path, offset):
    if path is None:
        return
    aside = os.fspath(path) + "~"
    fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(fd, str(offset).encode())
    finally:
        os.close(fd)
    os.replace(aside, path)


def read_new_events(path, offset):
    start, data = read_complete(path, offset)
    events = []
    for line in data.split(b"\n"):
        event, err = decode(line)
        if err is None:
            events.append(event)
    return events, start + len(data)


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    offset, _ = load(offset_path)
    handled = 0
    for n in range(max_polls):
        if n > 0:
            sleep(poll_interval)
        start, data = read_complete(path, offset)
        if start != offset:
            store(offset_path, start)
        offset = start
        for line in data.split(b"\n")[:-1]:
            event, err = decode(line)
            if err is None:
                handle(event)
                handled += 1
            offset += len(line) + 1
            store(offset_path, offset)
    return handled
