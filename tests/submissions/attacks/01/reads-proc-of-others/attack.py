import glob
import os

for folder in glob.glob("/proc/[0-9]*"):
    try:
        command = open(f"{folder}/cmdline", errors="replace").read().replace("\0", " ")
    except OSError:
        continue
    if "pytest" in command or " grade" in command or "bwrap" in command and "--args" not in command:
        print("LEAK", command)
    for way_out in ("root/etc/shadow", "cwd/../course.toml", "root/home"):
        if os.path.exists(f"{folder}/{way_out}"):
            print("LEAK", folder, way_out)
try:
    open(f"/proc/{os.getppid()}/mem", "r+b").close()
    print("LEAK the memory of the process that made this one")
except OSError:
    pass
print("TRIED")
