"""Fork producers and consumers: `python -m grader.compare.processes.zygote FD FOLDERS CLASS ...`.

A process that has imported the clients of some techniques, those at CLASS ..., and is forked for
each run. That takes milliseconds instead of half a second of a core, and there are about a hundred
and fifty of them. FD is a socket; for each descriptor that arrives on it a child is forked, whose
:class:`ProcessLine` it becomes, and its pid is answered. Ends when FD does, and each child when its
line does.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys

from grader.compare.processes import consumer, producer
from grader.compare.processes.line import ProcessLine
from grader.plugins import load


def main() -> None:
    """Run the zygote; arguments: descriptor, folders of other people's modules, classes."""
    descriptor, folders, *techniques = sys.argv[1:]
    control = socket.socket(fileno=int(descriptor))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    sys.path += folders.split(os.pathsep)
    for each in techniques:
        load(each)().warm_up()
    gc.collect()
    gc.freeze()
    while True:
        word, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not word:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            control.close()
            _child(descriptors[0])
        os.close(descriptors[0])
        control.sendall(f"{pid}\n".encode())


def _child(descriptor: int) -> None:
    try:
        os.setsid()  # so that it can be killed with all that it starts
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        line = ProcessLine(descriptor)
        role, told = json.loads(line.hear())
        if role == "consumer":
            consumer.work(consumer.Job.model_validate(told), line)
        else:
            producer.work(producer.Plan.model_validate(told), line)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
