"""What a sandbox shows of the machine: programs, libraries, Python and an /etc of its own.

The same in each kind that has a file system of its own, so that a submission runs alike in all.
"""

from __future__ import annotations

import contextlib
import os
import sys
from functools import cache
from pathlib import Path

from grader.sandbox.python import site_packages

HOSTNAME = "sandbox"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108 - inside
"""All that student code finds in its environment."""
TMPFS = {"/tmp": 64 << 20, "/state": 64 << 20, "/dev/shm": 16 << 20}  # noqa: S108 - inside
"""What can be written: folders in memory, and their sizes in bytes."""
ETC_FOLDERS = ("alternatives", "terminfo")
"""Of the machine's /etc, as they are."""
_SYSTEM = ("bin", "games", "include", "lib", "lib32", "lib64", "libexec", "libx32", "sbin", "share")
"""Of /usr: what comes with the system. The rest (local, src) is the machine's own affair."""
_ROOT_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
_ETC = {
    "hosts": f"127.0.0.1 localhost {HOSTNAME}\n",
    "hostname": f"{HOSTNAME}\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n"
    "services: files\nprotocols: files\n",
    "passwd": "root:x:0:0:root:/root:/bin/sh\nstudent:x:{uid}:{gid}::/tmp:/bin/sh\n",
    "group": "root:x:0:\nstudent:x:{gid}:\n",
}
_HOSTS_IPV6 = b"::1 localhost ip6-localhost ip6-loopback\n"
_ETC_COPIES = (
    "bash.bashrc",
    "debian_version",
    "gai.conf",
    "host.conf",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "locale.alias",
    "localtime",
    "magic",
    "mime.types",
    "networks",
    "os-release",
    "profile",
    "protocols",
    "rpc",
    "services",
    "shells",
    "timezone",
)
"""Of the machine's: what programs look up and what says nothing of the machine."""


def make_etc(etc: Path, uid: int, gid: int) -> None:
    """Make the folder that is /etc inside, for student code of that uid and gid."""
    etc.mkdir()
    texts = {name: text.format(uid=uid, gid=gid).encode() for name, text in _ETC.items()}
    if has_ipv6():  # else connecting to localhost would fail for want of an address family
        texts["hosts"] += _HOSTS_IPV6
    for name, data in (_etc_copies() | texts).items():
        (etc / name).write_bytes(data)
        (etc / name).chmod(0o644)
    for name in ETC_FOLDERS:
        (etc / name).mkdir()
        (etc / name).chmod(0o755)
    etc.chmod(0o755)


def has_ipv6() -> bool:
    """Tell whether this kernel speaks IPv6."""
    return Path("/proc/net/if_inet6").exists()


def system_folders() -> tuple[list[str], dict[str, str]]:
    """Return the system's folders to show as they are, and links: where each is, and to what."""
    folders, links = [], {}
    for path in (*(Path("/usr", name) for name in _SYSTEM), *map(Path, _ROOT_LINKS)):
        if path.is_symlink():
            links[str(path)] = str(path.readlink())
        elif path.exists():
            folders.append(str(path))
    return folders, links


def interpreter() -> str:
    """Return the real interpreter: a virtual environment's link would need the environment."""
    return os.path.realpath(sys.executable)


def python_sources() -> list[str]:
    """Return what the interpreter and its packages need, as few folders as possible."""
    sources = site_packages()
    prefix = os.path.realpath(sys.base_prefix)
    if prefix != "/usr":
        sources.append(prefix)
    return [s for s in sources if not s.startswith(("/usr/lib/", "/usr/bin/"))]


@cache
def _etc_copies() -> dict[str, bytes]:
    """Files of /etc as they are outside, by name."""
    found = {}
    for name in _ETC_COPIES:
        with contextlib.suppress(OSError):
            found[name] = Path("/etc", name).read_bytes()
    return found
