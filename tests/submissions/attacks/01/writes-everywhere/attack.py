import os

for folder, folders, _ in os.walk("/"):
    folders[:] = [name for name in folders if name != "proc" and folder.count("/") < 3]
    path = os.path.join(folder, "left-behind-by-an-attack")
    try:
        open(path, "w").close()
    except OSError:
        continue
    if not folder.startswith(("/tmp", "/state", "/dev/shm")):
        print("LEAK", path)
    os.unlink(path)
print("TRIED")
