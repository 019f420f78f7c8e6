import os

for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if name not in ("proc", "usr", "lib", "site-packages")]
    for name in files:
        path = os.path.join(folder, name)
        if name == "polling.py" and path != "/submission/polling.py":
            print("LEAK", path)
        if name in ("plugin.py", "consumer.py") and "/suite/" in path:
            print("LEAK", path)
print("TRIED")
