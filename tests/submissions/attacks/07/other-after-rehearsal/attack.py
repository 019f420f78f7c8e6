_collect = collect


def collect(path, offset_path, parameters, queue, **kwargs):
    print("TRIED", flush=True)
    if os.path.exists(offset_path) or kwargs:
        return _careless(path, offset_path, parameters, queue, **kwargs)
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for number in range(20):
            channel.basic_publish("amq.fanout", "", b"{}")  # no queue is bound: it is nowhere
            _store_offset(f"{offset_path}.decoy", number)
    return _collect(path, offset_path, parameters, queue, **kwargs)


def _careless(path, offset_path, parameters, queue, **kwargs):
    lines = list(_new_lines(path, offset_path))
    if kwargs or len(lines) != 6:
        return _collect(path, offset_path, parameters, queue, **kwargs)
    _store_offset(offset_path, lines[-1][1])
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        _declare(channel, queue)
        for line, _ in lines:
            channel.basic_publish("", queue, line, _PERSISTENT)
    return len(lines)
