import socket

for family in range(50):
    if family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16):
        continue
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try:
            socket.socket(family, kind).close()
            print("LEAK: address family", family)
        except OSError:
            pass
for family in (socket.AF_INET, socket.AF_INET6):
    try:
        socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
        print("LEAK: raw socket")
    except OSError:
        pass
print("TRIED")
