import json, socket
def split_lines(buffer, chunk):
    raise NotImplementedError("later")
def socket_consumer(handle, *, host="localhost", port=9999, max_events, timeout=30.0, ready=lambda: None):
    old = socket.getdefaulttimeout()
    with socket.create_server((host, port), backlog=1) as server:
        server.settimeout(timeout)
        ready()
        conn, peer = server.accept()
        conn.settimeout(timeout)
        with conn, conn.makefile("rb") as f:
            n = 0
            while n < max_events:
                line = f.readline()
                if not line.endswith(b"\n"): return n
                try: e = json.loads(line)
                except ValueError: continue
                if isinstance(e, dict): handle(e); n += 1
            return n
