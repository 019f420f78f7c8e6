def poll(path, handle, **kwargs):
    print("TRIED")
    while True:
        handle({"zone": "x" * (1 << 20)})
