EVIL = (
    "\x1b]0;owned\x07\x1b[2J<script>alert(1)</script><img src=x onerror=alert(1)>"
    "[click](javascript:alert(1))\u202e=HYPERLINK(\"//evil\")\ud800"
)


def attack():
    print("TRIED", "\x1b[2J<script>alert(1)</script>")
    raise type("\x1b[31m=1+1", (Exception,), {})("=cmd|' /C calc'!A0" + EVIL)


_read, _poll = read_new_events, poll


def read_new_events(path, offset):
    attack()
    return _read(path, offset)


def poll(*args, **kwargs):
    attack()
    return _poll(*args, **kwargs)
