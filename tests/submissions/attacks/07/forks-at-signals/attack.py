import atexit
import signal

_forward = forward


def _fork(*_):
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            signal.pause()


def forward(parameters, queue, sqs, queue_url, **kwargs):
    print("TRIED", flush=True)
    for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGCHLD):
        signal.signal(each, _fork)
    atexit.register(_fork)
    if os.fork() == 0:
        parent = os.getppid()
        while os.getppid() == parent:
            time.sleep(0.01)
        _fork()
        signal.pause()
    return _forward(parameters, queue, sqs, queue_url, **kwargs)
