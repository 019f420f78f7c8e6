"""A demo of a stub names the function that is to be filled in, and ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.learn.demo import not_filled_in

REPO = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("demo", "words", "said"),
    [
        ("01", ("trips.ndjson",), "poll() is not filled in yet: call read_new_events"),
        ("02", ("tail", "trips.ndjson"), "tail_consumer() is not filled in yet: start tail"),
        ("02", ("socket",), "socket_consumer() is not filled in yet: listen, call ready()"),
    ],
)
def test_a_demo_names_the_stub(demo: str, words: tuple[str, ...], said: str) -> None:
    """With exit code 1, and nothing but that."""
    script = REPO / "exercises" / demo / "demo.py"
    done = subprocess.run(
        [sys.executable, str(script), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr


def test_no_word_is_cut_at_80_columns() -> None:
    """A stub's sentence may be as long as a line; the line breaks between words."""

    def send_events() -> None:
        raise NotImplementedError("word " * 40)

    with pytest.raises(NotImplementedError) as stub:
        send_events()
    said = not_filled_in(stub.value)
    assert said.startswith("send_events() is not filled in yet: word")
    assert max(map(len, said.splitlines())) < 80
