"""Source files are read as Python reads them: what it takes is taken, what it refuses is named."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path

import pytest

from grader.course import load_course
from grader.reports.similar import own_tokens
from grader.source_file import NotTaken, text_of
from grader.submission import read_submission

REPO = Path(__file__).resolve().parents[2]

STARTS = [
    b"",
    b"# coding: latin-1\n",
    b"# -*- coding: utf-8 -*-\n",
    b"# vim: set fileencoding=cp1252 :\n",
    b"#!/usr/bin/env python3\n# coding: latin-1\n",
    b"\n# coding: iso-8859-15\n",
    b"# caf\xe9\n# coding: latin-1\n",
    b"# one\n# two\n# coding: latin-1\n",
    b"x = 1\n# coding: latin-1\n",
    b"\x0c# coding: latin-1\n",
    b"# coding: latin-1-unix\n",
    b"# coding: utf8\n",
    b"# coding: UTF-8-SIG\n",
    b"# coding: ascii\n",
    b"# coding: latn1\n",
    b"# coding: zlib\n",
    b"# coding: shift_jis\n",
    b"# coding: utf-7\n",
    b"# coding:latin-1 coding:utf-8\n",
]
BODIES = [
    b'x = "\xe3"\n',
    'x = "ã"\n'.encode(),
    'x = "\u2028"\n'.encode(),
    b"\x0cx = 1\n",
    b"if True:\n\tx = 1\n",
    b'x = """a\nb"""',
    b"x = 0 # \0\n",
]
NEWLINES = {"LF": [b"\n"], "CRLF": [b"\r\n"], "CR": [b"\r"], "mixed": [b"\r\n", b"\r", b"\n"]}


def with_newlines(data: bytes, newline: str) -> bytes:
    """Put in the place of each newline the next of that kind."""
    ends = itertools.cycle(NEWLINES[newline])
    first, *others = data.split(b"\n")
    return first + b"".join(next(ends) + line for line in others)


def value_of_x(source: bytes | str) -> object:
    """What Python makes of it: the value of x, or None where it refuses the source."""
    names: dict[str, object] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(source, "x.py", "exec"), names)  # noqa: S102 - lines of this file
    except (SyntaxError, ValueError):
        return None
    return names["x"]


def text_or_none(data: bytes) -> str | None:
    """What the grader makes of it."""
    try:
        return text_of(data)
    except NotTaken:
        return None


@pytest.mark.parametrize("newline", NEWLINES)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no BOM", "BOM"])
def test_what_python_takes_is_taken_and_nothing_else(mark: bytes, newline: str) -> None:
    """Over encodings, declared and not, in each of Python's newlines, against compile()."""
    for start, body in itertools.product(STARTS, BODIES):
        data = mark + with_newlines(start + body, newline)
        wanted = value_of_x(data)
        text = text_or_none(data)
        assert (text is None) == (wanted is None), data
        assert text is None or value_of_x(text.lstrip("\n")) == wanted, data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'# a\nx = "\xe3"\n', "is not UTF-8 text (line 2); save it as UTF-8"),
        (b'# a\rx = "\xe3"\r', "is not UTF-8 text (line 2)"),
        (b'# coding: latn1\nx = "\xe3"\n', "that Python does not know, latn1 (line 1)"),
        (b'# a\n# coding: ascii\nx = "\xe3"', "the encoding ascii (line 2), and line 3 is not in"),
        (b"\xef\xbb\xbf# coding: latin-1\n", "a byte order mark of UTF-8, and declares"),
        ("x = 1\n".encode("utf-16"), "is UTF-16 text, which Python does not read; save it as UTF"),
        (b"x = 1\0", "holds a zero byte"),
        (b"# coding: utf-16-le\nx", "declares the encoding utf-16-le (line 1), and"),
        (b"# coding: punycode\n" + b"a-" * 100_000, "that Python does not know, punycode"),
    ],
)
def test_what_is_refused_is_named_with_its_line(data: bytes, words: str) -> None:
    """The reason goes on after the file's name, and says what to do."""
    with pytest.raises(NotTaken) as caught:
        text_of(data)
    assert words in str(caught.value)


def test_a_submission_in_a_declared_encoding_is_read(tmp_path: Path) -> None:
    """Its bytes are staged as they are: Python reads them inside as it did outside."""
    exercise = load_course(REPO).exercise("01")
    data = '# -*- coding: latin-1 -*-\r\nzone = "São"\r\n'.encode("latin-1")
    (tmp_path / "polling.py").write_bytes(data)
    submission = read_submission("ann", exercise, [tmp_path], 256)
    assert dict(submission.files) == {"polling.py": data}
    assert not submission.problems


@pytest.mark.parametrize("newline", NEWLINES)
def test_the_same_code_is_the_same_in_every_encoding_and_newline(newline: str) -> None:
    """Who saves a copy as latin-1 on a Mac of 1999 has the tokens of the original."""
    code = '# coding: latin-1\ndef poll(é):\n    return é.read("é", 1)\n'
    plain = own_tokens({"polling.py": code.replace("latin-1", "utf-8").encode()}, frozenset())
    other = with_newlines(code.encode("latin-1"), newline)
    assert own_tokens({"polling.py": other}, frozenset()) == plain != []
