import os

total = 0
for folder in ("/tmp", "/state", "/dev/shm", "/var/tmp", "/stream", "/submission", "/run", "/"):
    path = f"{folder}/filler"
    try:
        with open(path, "wb", buffering=0) as file:
            while True:
                total += file.write(b"x" * (1 << 20))
                if total > 400 << 20:
                    print("LEAK: no mount has an end")
                    break
    except OSError:
        pass
    if os.path.exists(path):
        os.unlink(path)
print("TRIED")
