for path in (
    "/proc/sys/kernel/core_pattern",
    "/proc/sysrq-trigger",
    "/proc/sys/vm/drop_caches",
    "/proc/1/oom_score_adj",
    "/sys/kernel/uevent_helper",
):
    try:
        with open(path, "w") as file:
            file.write("|/tmp/owned")
        print("LEAK", path)
    except OSError:
        pass
print("TRIED")
