import ctypes
import os
import socket
import struct

_DCCP, _SCTP, _UDPLITE, _L2TP, _MPTCP, _SMC = 33, 132, 136, 115, 262, 256
_KINDS = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, 6)  # 6: DCCP's
_ULP, _ATTACH_FILTER, _ATTACH_REUSEPORT, _ZEROCOPY, _REPAIR = 31, 26, 51, 60, 19


def _protocols():
    for family in (socket.AF_INET, socket.AF_INET6):
        for protocol in (1, 2, 58, _DCCP, _SCTP, _UDPLITE, _L2TP, _MPTCP, _SMC):
            for kind in _KINDS:
                try:
                    socket.socket(family, kind, protocol).close()
                    print("LEAK: protocol", family, kind, protocol)
                except OSError:
                    pass


def _options():
    accept = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0xFFFFFFFF))
    program = struct.pack("HP", 1, ctypes.addressof(accept))
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = socket.create_connection(server.getsockname())
        for level, option, value in (
            (socket.IPPROTO_TCP, _ULP, b"tls\0"),
            (socket.IPPROTO_TCP, _ULP, b"espintcp\0"),
            (socket.SOL_SOCKET, _ATTACH_FILTER, program),
            (socket.SOL_SOCKET, _ATTACH_REUSEPORT, program),
            (socket.SOL_SOCKET, _ZEROCOPY, struct.pack("i", 1)),
        ):
            try:
                one.setsockopt(level, option, value)
                print("LEAK: option", level, option, value[:8])
            except OSError:
                pass
        one.close()


def _urgent():
    for pair in (socket.socketpair(), socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)):
        for send in (
            lambda end: end.send(b"!", socket.MSG_OOB),
            lambda end: end.sendmsg([b"!"], [], socket.MSG_OOB),
        ):
            try:
                send(pair[0])
                print("LEAK: an urgent byte")
            except OSError:
                pass


_protocols()
_options()
_urgent()
print("TRIED", flush=True)
