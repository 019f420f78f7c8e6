import os


def litter(where):
    for number in range(8_000):
        try:
            os.symlink("x" * 200, f"{where}/link{number}")
            os.mkfifo(f"{where}/pipe{number}")
            if number % 50 == 0:
                os.makedirs(f"{where}/folder{number}/a/b")
                os.chmod(f"{where}/folder{number}/a", 0)
        except OSError:
            return


print("TRIED")
if not os.path.exists("/tmp/link1"):
    litter("/tmp")
    litter("/dev/shm")
    print("TRIED")
