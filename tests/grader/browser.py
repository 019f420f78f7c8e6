"""A headless Chromium that opens a page, and what it then shows."""

from __future__ import annotations

import html
import http.server
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--run-all-compositor-stages-before-draw"),
)


def chromium() -> str:
    """The browser; skips the test where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("there is no chromium")
    return found


def browse(page: Path, *options: str) -> str:
    """What Chromium prints when it opens `page` with these options."""
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [chromium(), *QUIET, f"--user-data-dir={profile}", *options, page.as_uri()],
            capture_output=True,
            text=True,
            check=True,
            timeout=180,
        )
    return done.stdout


def acted(page: Path, script: str) -> str:
    """The document after `script` ran at the end of `page`; what it returns is in its title."""
    text = page.read_text()
    assert text.count("</body>") == 1
    begin = '<script>window.called = []; window.alert = (x) => called.push("alert " + x);</script>'
    end = f"<script>document.title = (() => {{ {script} }})();</script></body>"
    changed = page.with_name(f"acted-{page.name}")
    changed.write_text(text.replace("<style>", f"{begin}<style>", 1).replace("</body>", end))
    return browse(changed, "--virtual-time-budget=5000", "--dump-dom")


def returned(page: Path, script: str) -> str:
    """What `script` returns at the end of `page`."""
    return title(acted(page, script))


def title(document: str) -> str:
    """What the script at the end of the page returned."""
    found = re.search(r"<title>(.*?)</title>", document, re.DOTALL)
    assert found
    return html.unescape(found[1])


@contextmanager
def lure() -> Iterator[tuple[str, list[str]]]:
    """A server's URL for what must never be fetched, and the paths that were."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", seen
        finally:
            server.shutdown()
            thread.join()
