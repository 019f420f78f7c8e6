"""What a Redis of ours is told when it starts: memory only, and bounds for a submission's.

Sources: redis.io/docs/latest/operate/oss_and_stack/management/config (and /security/acl).
"""

from __future__ import annotations

import hashlib

TRUSTED = "grader"
"""Whom the grader logs in as on a submission's server."""
MEMORY_MB = 192
"""What a submission's server keeps; what comes then is refused."""
AT_SOCKET = """\
port 0
unixsocket socket
unixsocketperm 700
"""
_ALWAYS = """\
dir .
save ""
appendonly no
daemonize no
loglevel warning
maxmemory-policy noeviction
"""
# hz: how often it looks whether a blocked read has waited for long enough.
_FOR_A_SUBMISSION = """\
hz 250
maxmemory {megabytes}mb
maxmemory-clients 64mb
maxclients 128
proto-max-bulk-len 4mb
client-query-buffer-limit 8mb
client-output-buffer-limit normal 32mb 16mb 10
user default on nopass ~* &* +@all -@admin -@dangerous -@scripting +info
user {trusted} on #{hashed} ~* &* +@all
"""
"""Who is not logged in is the submission, and so is who says RESET."""


def at_port(port: int, address: str = "127.0.0.1") -> str:
    """Return the lines by which it listens on a port."""
    more = "" if address == "127.0.0.1" else "protected-mode no\n"
    return f"port {port}\nbind {address}\n{more}"


def config(where: str, password: str = "") -> str:
    """Return a server's whole configuration.

    Args:
        where: AT_SOCKET, or what `at_port` returned.
        password: of the grader, on a submission's server; without one everybody may do everything.
    """
    if not password:
        return _ALWAYS + where
    hashed = hashlib.sha256(password.encode()).hexdigest()
    bounds = _FOR_A_SUBMISSION.format(trusted=TRUSTED, hashed=hashed, megabytes=MEMORY_MB)
    return _ALWAYS + where + bounds
