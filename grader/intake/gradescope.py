"""Who handed in what, in Gradescope's "Export Submissions": a folder for each submission.

`submission_metadata.yml` beside the folders names the people of each.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from grader.intake.people import Teams
from grader.intake.students import Person
from grader.spelling import squeezed

METADATA = "submission_metadata.yml"
_SUBMISSION = re.compile(r"(submission_\d+):\s*")
_KEY = re.compile(r"  :(\w+):\s*(.*?)\s*")
_FIELD = re.compile(r"\s+(- )?:(name|sid|email):\s*(.*?)\s*")


def is_submission(folder: str) -> bool:
    """Tell whether a folder is called as those of the export are: `submission_12345`."""
    return re.fullmatch(r"submission_\d+", folder) is not None


def read_metadata(data: bytes) -> Teams | None:
    """Return who made each submission, with numbers or addresses, and when; None: it names none.

    The file is written by Gradescope, one field a line; no YAML of a stranger's is loaded.
    """
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    times: dict[str, datetime] = {}
    submission = key = ""
    for line in data.decode("utf-8", "replace").splitlines():
        if head := _SUBMISSION.fullmatch(line):
            submission = head[1]
        elif head := _KEY.fullmatch(line):
            key = head[1]
            if key == "created_at" and (time := _time(head[2])):
                times[squeezed(submission)] = time
        elif submission and key == "submitters" and (part := _FIELD.fullmatch(line)):
            if part[1]:
                found[submission].append({})
            if found[submission]:
                found[submission][-1][part[2]] = _plain(part[3])
    members = {squeezed(each): tuple(map(_person, people)) for each, people in found.items()}
    return Teams(Path(METADATA), members, times) if members else None


def _time(text: str) -> datetime | None:
    """`2026-11-20 17:34:00.861687000 Z`; Python reads six digits of a second's parts."""
    try:
        time = datetime.fromisoformat(re.sub(r"(\.\d{6})\d*|\s(?=[Z+-])", r"\1", _plain(text)))
    except ValueError:
        return None
    return time if time.tzinfo else None


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
