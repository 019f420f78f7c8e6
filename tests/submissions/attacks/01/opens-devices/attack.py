import os
import stat

NAMES = (
    *("mem", "kmem", "port", "kmsg", "kvm", "fuse", "net/tun", "vhost-net", "vhost-vsock", "vsock"),
    *("sda", "vda", "nvme0n1", "loop0", "loop-control", "mapper/control", "tty0", "tty1", "console"),
    *("rtc0", "hpet", "cpu_dma_latency", "userfaultfd", "uinput", "snapshot", "autofs", "dri/card0"),
)
for name in NAMES:
    for flags in (os.O_RDONLY, os.O_RDWR):
        try:
            os.close(os.open(f"/dev/{name}", flags | os.O_NONBLOCK))
        except OSError:
            continue
        print("LEAK: /dev/" + name)
for kind in (stat.S_IFBLK, stat.S_IFCHR):
    for number in ((1, 1), (1, 11), (7, 0), (8, 0), (253, 0), (254, 0), (10, 229)):
        for folder in ("/tmp", "/state", "/dev/shm", "/dev"):
            try:
                os.mknod(f"{folder}/made", kind | 0o666, os.makedev(*number))
                os.close(os.open(f"{folder}/made", os.O_RDONLY))
            except OSError:
                continue
            print("LEAK: a device of its own in", folder)
print("TRIED")
