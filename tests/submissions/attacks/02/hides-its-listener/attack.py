import array

_create, _kept = socket.create_server, []


def _hoarding(*args, **kwargs):
    server = _create(*args, **kwargs)
    ours, theirs = socket.socketpair()
    ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [server.fileno()]))])
    _kept.append((ours, theirs))
    return server


socket.create_server = _hoarding
print("TRIED")
