"""How fast the event generator's file sink is, as a whole process from start to exit."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import Row, seconds

GENERATOR = Path(__file__).resolve().parents[1] / "resources" / "event_generator.py"
EVENTS = 1_000_000
FLOOR = 100_000
RUNS = 3


def rows() -> Iterator[Row]:
    """Yield the benchmark of the file sink, in events per second on one core."""
    rate = statistics.median(EVENTS / seconds(_generate) for _ in range(RUNS))
    yield Row("file sink", rate, "events/s", FLOOR, at_least=True)


def main() -> None:
    """Print the one row."""
    rate = next(rows()).value
    print(f"file sink: {rate:,.0f} events/s (floor {FLOOR:,})")


def _generate() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        options = ["--path", str(path), "--interval", "0", "--quiet", "--count", str(EVENTS)]
        subprocess.run(
            [sys.executable, str(GENERATOR), "file", *options], check=True, capture_output=True
        )


if __name__ == "__main__":
    main()
