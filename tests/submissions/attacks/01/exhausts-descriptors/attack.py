print("TRIED")
hoard = []
try:
    while True:
        hoard.append(open("/dev/null"))
except OSError:
    pass
