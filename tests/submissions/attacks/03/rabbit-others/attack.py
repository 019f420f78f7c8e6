_consume = rabbitmq_consumer


def rabbitmq_consumer(parameters, queue, handle, **kwargs):
    import socket

    for port in (15672, 25672, 4369, 15692):
        try:
            socket.create_connection(("localhost", port), timeout=0.2).close()
            print("LEAK: port", port)
        except OSError:
            pass
    for name in ("guest", "admin", "grader"):
        other = pika.ConnectionParameters(
            parameters.host, parameters.port, "/", pika.PlainCredentials(name, name)
        )
        if parameters.virtual_host == "/" and name == "guest":
            continue
        try:
            pika.BlockingConnection(other).close()
            print("LEAK: logged in as", name)
        except Exception:
            pass
    for place in ("/", "grader", parameters.virtual_host[:-1], parameters.virtual_host + "x"):
        other = pika.ConnectionParameters(
            parameters.host, parameters.port, place, parameters.credentials
        )
        try:
            pika.BlockingConnection(other).close()
            print("LEAK: virtual host", place)
        except Exception:
            pass
    print("TRIED", flush=True)
    return _consume(parameters, queue, handle, **kwargs)
