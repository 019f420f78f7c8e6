"""What the public tests of the course say of typical mistakes: the sentence that leads to each."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mistake:
    """A solution with one passage changed, the check that shows it, and what is said."""

    file: str
    passage: str
    change: str
    check: str
    said: str


MISTAKES = {
    "the failure of handle is acknowledged": Mistake(
        "05/redis_streams.py",
        "                continue\n            membership.acknowledge(entry)",
        "                pass\n            membership.acknowledge(entry)",
        "poison",
        "handle raised ValueError, so its entry should stay pending, to be claimed again; nothing "
        "was pending after that",
    ),
    "handle's exception leaves": Mistake(
        "05/redis_streams.py",
        "except Exception:  # noqa: BLE001, S112 - it stays pending, and is claimed again",
        "except KeyError:",
        "poison",
        "ValueError: no such zone",
    ),
    "a page begins with the last entry of the page before": Mistake(
        "05/redis_streams.py",
        'start = f"({_text(page[-1][0])}"',
        "start = _text(page[-1][0])",
        "replay",
        "the stream holds 250 events, once each; replay handled event 100 twice",
    ),
    "an empty read counts for ever": Mistake(
        "05/redis_streams.py",
        "empty = 0 if entries else empty + 1",
        "empty += not entries",
        "waits",
        "yours were: an empty read, a read with an entry, an empty read",
    ),
    "the loop ends with the first batch": Mistake(
        "05/redis_streams.py",
        "            handled += 1\n    return handled\n\n\ndef replay",
        "            handled += 1\n        return handled\n\n\ndef replay",
        "delivers",
        "it handled [100001, 100002, 100003, 100004], and returned 4",
    ),
    "what handle raises is swallowed": Mistake(
        "06/kafka_log.py",
        "                handle(event)\n                handled += 1\n            _commit",
        "                try:\n                    handle(event)\n                    handled += 1\n"
        "                except Exception:\n                    continue\n            _commit",
        "handler-error",
        "handle raised ValueError at the third event, which should leave kafka_consumer; it called "
        "handle again, with event 100004",
    ),
    "nothing is flushed": Mistake(
        "06/kafka_log.py",
        "    producer.flush()",
        "    #",
        "publish-confirmed",
        "when publish_events returned, the broker should have all 6 events; it has 0",
    ),
    "an error that passes is raised": Mistake(
        "06/kafka_log.py",
        "                if error.fatal():\n                    raise",
        "                if error:\n                    raise",
        "quiet",
        "and the second event came 1.5 s later; kafka_consumer raised KafkaException(",
    ),
    "an empty message is taken for none": Mistake(
        "06/kafka_log.py",
        "if message is None:  # nothing came for a while",
        "if not message:",
        "bad-message",
        "the bad message b'' has the offset 0. Before the next event is handled, 1 should be "
        "committed, the offset after it; committed was nothing",
    ),
    "a member never calls ready": Mistake(
        "06/kafka_log.py",
        "on_assign=lambda *_: ready()",
        "on_assign=lambda *_: ready",
        "groups",
        "after 8 s: ana joins the group, and ready() should be called; it was not",
    ),
    "a subscriber swallows what handle raises": Mistake(
        "03/redis_pubsub.py",
        "                handle(event)",
        "                try:\n                    handle(event)\n"
        "                except Exception:\n                    continue",
        "redis-unsubscribes",
        "which should leave redis_consumer; it called handle again, with the second",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_typical_mistake_is_told(tmp_path: Path, mistake: Mistake) -> None:
    """By a sentence of the test, and not by the end of its patience."""
    exercise, _, file = mistake.file.partition("/")
    folder = tmp_path / "exercises" / exercise
    folder.mkdir(parents=True)
    for name in (REPO / "exercises" / exercise).glob("*.py"):
        (folder / name.name).write_bytes(name.read_bytes())
    for name in ("exercises/conftest.py", "course.toml"):
        (tmp_path / name).write_bytes((REPO / name).read_bytes())
    solution = (REPO / "solutions" / mistake.file).read_text(encoding="utf-8")
    assert solution.count(mistake.passage) == 1
    (folder / file).write_text(solution.replace(mistake.passage, mistake.change), encoding="utf-8")
    asked = [f"exercises/{exercise}", "-k", mistake.check]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *asked],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"COLUMNS": "500", "PYTEST_ADDOPTS": ""},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert mistake.said in done.stdout
    assert "still running" not in done.stdout
