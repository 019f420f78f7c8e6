import glob
import os

found = [str(dict(os.environ))]
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        found.append(open(path, errors="replace").read())
    except OSError:
        pass
if any("canary" in text.lower() for text in found):
    print("LEAK", found)
print("TRIED")
