"""What suites put into a medium: events of every kind, bad lines, and events by their number.

Every kind is there in every run and only its details are random, so that no verdict depends on
the seed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from typing import Any

Event = dict[str, Any]
_MOST = 8
"""Events that a sentence names by their places; of more it says the number."""
_FEW = 3
"""Words that a list in a sentence holds before it says how many others there are."""

ZONES = ("Manhattan", "Brooklyn", "Queens", "Bronx", "Staten Island")
ACCENTED_ZONES = ("Bæjarhöfn", "São João", "Ōtemachi", "Łódź-Górna", "Ñuñoa 🚕")

BAD = (
    b"{broken",
    b'{"pickup_zone": "\xe9t\xe9"}',  # Latin-1
    b"42",
    b"-1.5e3",
    b'["a", "list"]',
    b'[{"event_id": 123456}]',
    b'"text"',
    b"null",
    b"true",
    b"{} {}",
    b"{'event_id': 123456}",  # Python, no JSON
    b'{"event_id": 123456,}',
    b'{"event_id": 123456}{}',
    b'{"event_id": 123456} // one more',
    b'data: {"event_id": 123456}',  # a server-sent event
    b'{"paid": True, "tip": None}',
)
"""Complete lines or messages that are no JSON object; no newlines, and none of them blank."""

LENIENT = (b'{"note": "a\ttab"}', b'{"note": "a\x00zero"}')
"""Bad lines that `json.loads(..., strict=False)` takes: JSON escapes control characters."""

PADDED = (b'{"event_id": 123456}\x00', b'\x00\x00{"event_id": 123456}')
"""Bad lines as they stand in a file that was truncated under its producer: NUL is no space."""

RETURNED: tuple[Any, ...] = (False, 0, "", None, True, [])
"""Values that `handle` may return: when it returns, the event is handled, whatever they are."""

LINE_BREAKS_IN_TEXT = ("\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\r")
"""Where str.splitlines() cuts and a stream of lines does not; JSON escapes all but three."""


def trips(rng: random.Random, count: int, *, accented: bool = False) -> list[Event]:
    """Return `count` taxi trips with different ids.

    Args:
        rng: the source of all that is random in them.
        count: how many.
        accented: with zones whose bytes in UTF-8 outnumber their characters.
    """
    zones = ACCENTED_ZONES if accented else ZONES
    return [
        {
            "event_id": event_id,
            "timestamp": f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
            f"T08:{rng.randint(0, 59):02}:00Z",
            "pickup_zone": rng.choice(zones),
            "passengers": rng.randint(1, 6),
            "fare_estimate": rng.randint(500, 8500) / 100,
        }
        for event_id in rng.sample(range(100_000, 1_000_000), count)
    ]


def odd_events(rng: random.Random) -> list[Event]:
    """Return some two dozen events of which no two kinds are alike: any JSON object is an event.

    Without the usual fields, nested, with values that are false, three that are equal (two of them
    next to each other), with quotes and escaped newlines in their text. All text is ASCII;
    `unusual_text` has the rest.
    """
    (trip,) = trips(rng, 1)
    word = f"w{rng.randrange(16**6):06x}"
    number = rng.randint(2, 10**6)
    twin = {"twin": word, "passengers": rng.randint(1, 6)}
    events: list[Event] = [
        {},
        {"": word},
        {"note": word},
        {name: value for name, value in trip.items() if name != "event_id"},
        trip | {"event_id": 0},
        trip | {"event_id": str(number)},
        trip | {"event_id": None},
        {"event_id": number},
        trip | {"pickup_zone": f"{word}  Upper   East Side"},
        {
            "stops": [{"zone": word, "at": [1, [2, [3, {"deep": word}]]]}, [], {}],
            "route": {"a": {}},
        },
        {
            "flag": False,
            "count": 0,
            "name": "",
            "list": [],
            "object": {},
            "nothing": None,
            "of": word,
        },
        {"numbers": [-number, 1e-7, 1.5e300, 10**20, 0.1]},
        {"quoted": f'say "{word}" \\ and \'so\' on / {{"event_id": 1}}'},
        {"lines": f"{word}\nnext line\r\n\ttab"},
        {"type": "message", "data": word, "channel": number, "error": "none", "value": 1},
        {"$bytes": word, "__class__": "dict", "self": number, "handle": True},
        {f"field {index}": index for index in range(rng.randint(40, 60))},
        {"long": word * 1000},
        {"Type": "Notification", "Message": f'{{"event_id": {number}}}', "body": f'["{word}"]'},
        {"Records": [{"body": "{}"}], "event": {"event_id": number}, "payload": None},
        {"url": f"https://example.org//{word}#1 // no comment", "note": "None, True,}, [1,]"},
        {"padded": f"  {word}\t", "empty": ""},
    ]
    rng.shuffle(events)
    middle = rng.randrange(len(events) // 4, len(events) // 2)
    return [*events[:middle], twin, dict(twin), *events[middle:], dict(twin)]


def unusual_text(rng: random.Random) -> list[Event]:
    """Return an event for each kind of text that is not ASCII or is taken for the end of a line."""
    word = f"w{rng.randrange(16**6):06x}"
    texts = [f"{word}{mark}{word}" for mark in LINE_BREAKS_IN_TEXT]
    texts += [f"{word} {zone}" for zone in ACCENTED_ZONES]
    texts += [f"{word} العربية", f"{word} \x00 NUL", f"{word} \ufeff BOM", f"{word} 👩‍🚀 e\u0301"]
    events = [
        trip | {"pickup_zone": text, text: len(text)}
        for trip, text in zip(trips(rng, len(texts)), texts, strict=True)
    ]
    rng.shuffle(events)
    return events


_ENCODER = json.JSONEncoder(ensure_ascii=False)  # json.dumps would make one for each call


def to_line(item: Event | bytes) -> bytes:
    """Return an event as its line, in UTF-8 with a newline; bytes as they are."""
    return item if isinstance(item, bytes) else to_message(item) + b"\n"


def to_message(item: Event | bytes) -> bytes:
    """Return an event as a message, in UTF-8 without a newline; bytes as they are."""
    return item if isinstance(item, bytes) else _ENCODER.encode(item).encode()


def value_of(data: bytes | str | None) -> Any:
    """Return the value of a line's or a message's JSON, or the data where they are none."""
    try:
        return None if data is None else json.loads(data)
    except (ValueError, RecursionError):
        return data


def event_of(line: bytes) -> Event | None:
    """Return the event on a line; None for a bad one and for a blank one."""
    try:
        text = line.decode()
    except UnicodeDecodeError:  # json.loads would take UTF-16 for an event
        return None
    value = value_of(text)
    return value if isinstance(value, dict) else None


def why_bad(event: Any) -> str:
    """Return, for a sentence, what was wrong with the line or message that `event` was made of."""
    if not isinstance(event, dict):
        return "which is no JSON object and so no event"
    return (
        "which came of a bad message: of one that is not UTF-8, that is more than one JSON object "
        "or none, or that has a control character inside a text as it is"
    )


def tokens(st: Any, most: int) -> Any:
    """Draw lists of up to `most` pieces of JSON and bytes that are not UTF-8: mostly bad lines."""
    brackets = [b'{"event_id":', b"{", b"}", b"[", b"]"]
    others = [b'"', b"1", b",", b" ", b"null", b"\xff", b"\xc3"]
    return st.lists(st.sampled_from([*brackets, *others]), max_size=most)


def count_of(things: Sequence[Any] | int, noun: str) -> str:
    """Return a number and its noun: "1 event", "3 events"."""
    number = things if isinstance(things, int) else len(things)
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """Return words for a sentence: "a", "a and b", "a, b, c and 18 others"."""
    if len(words) > _FEW + 1:
        words = [*words[:_FEW], f"{len(words) - _FEW} others"]
    *first, last = words or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def numbers(events: Iterable[Any], everything: Sequence[Any]) -> str:
    """Return events by their place in `everything`, counted from 1, for a sentence.

    The second of two equal events has the second one's number; what is not there is "unknown".
    """
    taken: set[int] = set()
    words = []
    for event in events:
        at = [index for index, other in enumerate(everything) if _same(other, event)]
        fresh = next((index for index in at if index not in taken), None)
        if fresh is not None:
            taken.add(fresh)
        number = fresh if fresh is not None else next(iter(at), None)
        words.append("unknown" if number is None else str(number + 1))
    return ", ".join(words) or "none"


def named(events: Iterable[Any], everything: Sequence[Any]) -> str:
    """Return `numbers` as the object of a sentence: "events 1, 2 and 5", or "no events"."""
    found = list(events)
    if not found:
        return "no events"
    *first, last = numbers(found, everything).split(", ")
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"event{'s' if first else ''} {listed}"


def these(events: Sequence[Any], everything: Sequence[Any], unknown: str) -> str:
    """Return events for a sentence that may be about many, or about some that were never there.

    Args:
        events: what came.
        everything: what could come; events are named by their place in it.
        unknown: what to say of one that is not in it, `had not been published`.
    """
    strangers = sum(event not in everything for event in events)
    if strangers:
        return f"{count_of(events, 'event')}, of which {strangers} {unknown}"
    return named(events, everything) if len(events) <= _MOST else count_of(events, "event")


def same(events: Iterable[Any], expected: Iterable[Any]) -> bool:
    """Tell whether these are the same events, each as often, in whatever order."""
    return sorted(map(_canonical, events)) == sorted(map(_canonical, expected))


def _canonical(event: Any) -> str:
    """JSON with its keys in order; of what is no JSON, what it looks like."""
    try:
        return json.dumps(event, sort_keys=True)
    except (TypeError, ValueError):
        return repr(event)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
