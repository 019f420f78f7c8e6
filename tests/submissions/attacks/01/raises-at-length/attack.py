print("TRIED")


def endless(*args, **kwargs):
    error = None
    for _ in range(300):
        kind = type("E" * 1_000_000, (Exception,), {"__str__": lambda self: "x" * 5_000_000})
        try:
            raise kind("y" * 1_000_000) from error
        except Exception as found:
            error = found
            error.add_note("n" * 1_000_000)
    raise ExceptionGroup("g" * 1_000_000, [error])


read_new_events = endless
poll = endless
