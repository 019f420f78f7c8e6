import os

WORDS = ("grader-", "_hidden", "pytest", "rabbitmq", "47813", "grader-attack-canary")
PLACES = (
    *("net/unix", "net/tcp", "net/tcp6", "net/udp", "net/netlink", "net/packet", "locks", "keys"),
    *("key-users", "timer_list", "sched_debug", "modules", "kallsyms", "kmsg", "mounts", "vmallocinfo"),
    *("self/mountinfo", "self/cgroup", "self/environ", "1/environ", "1/maps", "1/stack", "1/auxv"),
    *("sysvipc/shm", "sysvipc/sem", "sysvipc/msg", "interrupts", "iomem", "config.gz", "swaps"),
)
for place in PLACES:
    try:
        with open(f"/proc/{place}", errors="replace") as file:
            text = file.read(1 << 20)
    except OSError:
        continue
    if place in ("self/mountinfo", "mounts"):
        text = text.replace("/grader-", " ")  # where its own folders lie outside
    for word in WORDS:
        if word in text:
            print("LEAK:", place, "tells of", word)
    if place == "kallsyms" and any(not line.startswith("0" * 16) for line in text.splitlines()[:9]):
        print("LEAK: addresses of the kernel's")
print("TRIED")
