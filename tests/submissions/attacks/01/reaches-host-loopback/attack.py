import os
import socket

for port in (22, 80, 5432, 5672, 6379, 8888, 15672, 25672, 4369, 47813):
    for host in ("127.0.0.1", "::1"):
        try:
            socket.create_connection((host, port), timeout=0.2).close()
            print("LEAK", host, port)
        except OSError:
            pass
for name in ("\0grader-attack-canary", "/run/docker.sock", "/var/run/docker.sock"):
    with socket.socket(socket.AF_UNIX) as unix:
        try:
            unix.connect(name)
            print("LEAK", name)
        except OSError:
            pass
if set(os.listdir("/sys/class/net") if os.path.exists("/sys/class/net") else ["lo"]) != {"lo"}:
    print("LEAK: a network interface")
print("TRIED")
