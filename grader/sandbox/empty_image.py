"""The image of a sandbox's container: folders to mount on, and no file.

Made here and never pulled: a container whose programs come from this machine needs no registry.
Source: docs.docker.com/reference/cli/docker/image/import.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from functools import cache

from grader.errors import SandboxError
from grader.host.docker import docker, run_docker
from grader.sandbox.view import system_folders

NAME = "stream-course-sandbox"
_FOLDERS = ("dev", "etc", "proc", "submission", "stream", "control", "sys", "usr", "worker")
_FOR_ANYBODY = ("state", "tmp")
"""Some engines give a folder in memory the modes of the one below it, whatever they are told."""


@cache
def require() -> str:
    """Return the image's name and tag; the engine has it then.

    Raises:
        SandboxError: it takes none.
    """
    data = _archive()
    image = f"{NAME}:{hashlib.sha256(data).hexdigest()[:12]}"
    if docker("image", "inspect", "--format", "ok", image) is None:
        done = run_docker("import", "-", image, given=data)
        if done is None or done.returncode:
            reason = "no answer" if done is None else done.stderr.decode(errors="replace").strip()
            raise SandboxError(
                f"the Docker engine does not take the sandbox's image: {reason}",
                "Mend the engine, or install bubblewrap.",
            )
    return image


def _archive() -> bytes:
    """Return the image's file system as a tar archive, the same bytes on each machine of a kind."""
    _, links = system_folders()
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in (*_FOLDERS, *_FOR_ANYBODY):
            folder = tarfile.TarInfo(name)
            folder.type = tarfile.DIRTYPE
            folder.mode = 0o1777 if name in _FOR_ANYBODY else 0o755
            archive.addfile(folder)
        for path, target in links.items():
            link = tarfile.TarInfo(path.lstrip("/"))
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
    return file.getvalue()
