import redis as _redis

if "submission" in (_redis.__file__ or "submission"):
    print("LEAK: redis is the submission's own")
_consume = redis_consumer


def redis_consumer(*args, **kwargs):
    print("TRIED")
    return _consume(*args, **kwargs)
