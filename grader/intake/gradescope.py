"""Who handed in what, in Gradescope's "Export Submissions": a folder for each submission.

`submission_metadata.yml` beside the folders names the people of each.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from grader.intake.people import Teams
from grader.intake.students import Person
from grader.spelling import squeezed

METADATA = "submission_metadata.yml"
_SUBMISSION = re.compile(r"(submission_\d+):\s*")
_KEY = re.compile(r"  :(\w+):.*")
_FIELD = re.compile(r"\s+(- )?:(name|sid|email):\s*(.*?)\s*")


def read_metadata(data: bytes) -> Teams | None:
    """Return the people of each submission, with their numbers or addresses; None: it names none.

    The file is written by Gradescope, one field a line; no YAML of a stranger's is loaded.
    """
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    submission = key = ""
    for line in data.decode("utf-8", "replace").splitlines():
        if head := _SUBMISSION.fullmatch(line):
            submission = head[1]
        elif head := _KEY.fullmatch(line):
            key = head[1]
        elif submission and key == "submitters" and (part := _FIELD.fullmatch(line)):
            if part[1]:
                found[submission].append({})
            if found[submission]:
                found[submission][-1][part[2]] = _plain(part[3])
    members = {squeezed(each): tuple(map(_person, people)) for each, people in found.items()}
    return Teams(Path(METADATA), members) if members else None


def _person(fields: dict[str, str]) -> Person:
    number = fields.get("sid") or fields.get("email", "").partition("@")[0]
    return fields.get("name") or fields.get("email", ""), squeezed(number)


def _plain(text: str) -> str:
    """Return a scalar of YAML without its quotes."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        # \u0142 and the like; what is no such escape stays.
        escape = r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))"
        inner = re.sub(escape, lambda m: chr(int(m[1] or m[2] or m[3], 16) % 0x110000), text[1:-1])
        return inner.replace('\\"', '"')
    return "" if text in ("null", "~") else text
