"""Draws the documentation's Mermaid diagrams, with npm's mermaid in a headless Chromium.

Needs npm and chromium, and a network for npm; the pictures are committed, so that nobody else
needs them. Pictures of diagrams that are gone are removed. Part of `make pictures`.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from chromium import dump_dom
from diagrams import BLOCK, PICTURES, ROOT, picture

_VERSION = "12.3.0"
_SHA256 = "336df803d87a38b70a01e736e666c8f7601d2ce42f5e47c8fafe5d721074b9a3"
_PAGES = ("*.md", "docs/**/*.md", "exercises/*/README.md", "resources/*.md")

_DRAW = """\
<meta charset="utf-8"><pre id="drawn"></pre>
<script src="mermaid.min.js"></script>
<script>
mermaid.initialize({
  startOnLoad: false, theme: "neutral", htmlLabels: false, deterministicIds: true,
  look: "classic", themeCSS: ".edgeLabel rect { opacity: 1 !important; }",
  fontFamily: "Helvetica, Arial, sans-serif", fontSize: 14,
  flowchart: {htmlLabels: false}, sequence: {mirrorActors: false},
});
const sources = SOURCES;
(async () => {
  const drawn = {};
  for (const [name, source] of Object.entries(sources)) {
    const svg = (await mermaid.render("diagram", source)).svg;
    const box = new DOMParser().parseFromString(svg, "text/html").querySelector("svg");
    drawn[name] = new XMLSerializer().serializeToString(box);
  }
  return drawn;
})().then(
  drawn => { document.getElementById("drawn").textContent = JSON.stringify(drawn); },
  error => { document.getElementById("drawn").textContent = JSON.stringify({error: `${error}`}); },
);
</script>
"""


def main() -> int:
    """Draw what is new; exit code 1 when Mermaid refuses one."""
    pages = sorted({page for pattern in _PAGES for page in ROOT.glob(pattern)})
    sources = {
        picture(block["source"]).name: block["source"]
        for page in pages
        for block in BLOCK.finditer(page.read_text(encoding="utf-8"))
    }
    folder = ROOT / PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        if old.name not in sources:
            old.unlink()
    new = {name: text for name, text in sources.items() if not (folder / name).exists()}
    if not new:
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        drawn = draw(new, Path(scratch))
    if "error" in drawn:
        print(f"Mermaid says: {drawn['error']}", file=sys.stderr)
        return 1
    for name, svg in drawn.items():
        (folder / name).write_text(_sized(svg) + "\n", encoding="utf-8")
        print(f"{PICTURES / name}")
    return 0


def draw(sources: dict[str, str], folder: Path) -> dict[str, str]:
    """Return the pictures by name, or what Mermaid said under "error"."""
    (folder / "mermaid.min.js").write_bytes(_mermaid(folder))
    page = folder / "draw.html"
    page.write_text(_DRAW.replace("SOURCES", json.dumps(sources)), encoding="utf-8")
    dom = dump_dom(page, milliseconds=30_000)
    found = re.search(r'<pre id="drawn">(.*?)</pre>', dom, re.DOTALL)
    assert found is not None, "the page was not loaded"
    drawn: dict[str, str] = json.loads(html.unescape(found[1]))
    return drawn


def _mermaid(folder: Path) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is missing; run `sudo apt-get install npm`.")
    subprocess.run(
        [npm, "pack", f"mermaid@{_VERSION}", "--silent"],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with tarfile.open(folder / f"mermaid-{_VERSION}.tgz") as package:
        member = package.extractfile("package/dist/mermaid.min.js")
        assert member is not None
        script = member.read()
    if hashlib.sha256(script).hexdigest() != _SHA256:
        raise SystemExit(f"mermaid {_VERSION} is not the one that was looked at")
    return script


def _sized(svg: str) -> str:
    """Return an image has no page to be as wide as: give it the size of its drawing."""
    box = re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', svg)
    assert box is not None
    width, height = (round(float(number)) for number in box.groups())
    return re.sub(r' width="100%"', f' width="{width}" height="{height}"', svg, count=1)


if __name__ == "__main__":
    sys.exit(main())
