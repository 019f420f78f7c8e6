_collect = collect


def collect(path, offset_path, parameters, queue, **kwargs):
    print("TRIED", flush=True)
    moved = _collect(path, offset_path, parameters, queue, **kwargs)
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        descriptor = os.open(f"{offset_path}.flood", os.O_WRONLY | os.O_CREAT)
        while True:
            channel.basic_publish("amq.fanout", "", b"")
            channel.basic_ack(0, multiple=True)
            os.pwrite(descriptor, b"x", 0)
    return moved
