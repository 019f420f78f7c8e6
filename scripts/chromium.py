"""A headless Chromium without a network, for pictures of pages."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def screenshot(page: Path, target: Path, *, width: int, height: int, scale: float = 1) -> None:
    """Show a page in a window of that size, in CSS pixels, and keep it as a PNG."""
    _chromium(
        page,
        f"--screenshot={target}",
        f"--window-size={width},{height}",
        f"--force-device-scale-factor={scale}",
    )


def dump_dom(page: Path, *, milliseconds: int) -> str:
    """Return what a page's script has made of it, after so long a time of its own clock."""
    return _chromium(page, "--dump-dom", f"--virtual-time-budget={milliseconds}")


def _chromium(page: Path, *arguments: str) -> str:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        raise SystemExit("chromium is missing; run `sudo apt-get install chromium`.")
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [browser, *_OPTIONS, f"--user-data-dir={profile}", *arguments, page.as_uri()],
            capture_output=True,
            encoding="utf-8",
            check=True,
            timeout=300,
        )
    return done.stdout
