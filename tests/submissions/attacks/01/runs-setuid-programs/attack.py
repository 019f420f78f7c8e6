import os
import stat

found = []
for folder in ("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/libexec"):
    for entry in os.scandir(folder) if os.path.isdir(folder) else ():
        try:
            if entry.is_file(follow_symlinks=False) and entry.stat().st_mode & (stat.S_ISUID | stat.S_ISGID):
                found.append(entry.path)
        except OSError:
            continue
AS_ROOT = {"su": ("-c", "id -u"), "sudo": ("-n", "id", "-u"), "pkexec": ("id", "-u")}
os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
for program in [*found, "/usr/bin/sudo", "/usr/bin/pkexec"] if not os.path.exists("/tmp/tried") else ():
    said = os.open("/tmp/said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    child = os.fork()
    if child == 0:
        os.dup2(said, 1)
        words = AS_ROOT.get(os.path.basename(program), ("--help",))
        try:
            os.execv(program, [program, *words])
        finally:
            os._exit(1)
    for status in (f"/proc/{child}/status",) * 20:
        try:
            with open(status) as file:
                uid = file.read().partition("\nUid:\t")[2].split("\t")
        except OSError:
            break
        if "0" in uid[:3]:
            print("LEAK:", program, "runs as root")
    os.kill(child, 9)
    os.waitpid(child, 0)
    os.close(said)
    with open("/tmp/said") as file:
        if file.read().strip() == "0":
            print("LEAK:", program, "runs as root")
open("/tmp/tried", "w").close()
for change in (os.setuid, os.setgid, lambda n: os.setgroups([n]), os.seteuid, lambda n: os.setresuid(n, n, n)):
    try:
        change(0)
        print("LEAK: root")
    except OSError:
        pass
print("TRIED")
