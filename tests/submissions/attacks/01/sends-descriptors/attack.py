import array
import os
import socket

print("TRIED", flush=True)
null = os.open("/dev/null", os.O_RDONLY)
rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null] * 200))]
for fd in range(3, 64):
    try:
        channel = socket.socket(fileno=os.dup(fd))
        for _ in range(1000):
            channel.sendmsg([b'{"type":"hello"}\n'], rights, socket.MSG_DONTWAIT)
    except OSError:
        pass
