import glob

for path in ["/etc/shadow", "/etc/gshadow", "/root/.ssh/id_rsa", "/root/.bash_history", *glob.glob("/home/*")]:
    try:
        print("LEAK", path, open(path).read(40))
    except IsADirectoryError:
        print("LEAK", path)
    except OSError:
        pass
print("TRIED")
