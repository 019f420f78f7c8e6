"""The story of a long test keeps how it began and how it ended."""

from __future__ import annotations

from grader.suite.log import Log


def test_a_story_is_whole_as_long_as_it_is_short() -> None:
    """In order, nothing left out."""
    log = Log()
    for number in range(200):
        log.add("suite", str(number))
    assert [entry["what"] for entry in log.entries] == [str(number) for number in range(200)]


def test_a_long_story_is_cut_in_the_middle() -> None:
    """Where the process was killed stands at the end, and is there."""
    log = Log()
    for number in range(1000):
        log.add("suite", str(number))
    said = [entry["what"] for entry in log.entries]
    assert said[:50] == [str(number) for number in range(50)]
    assert said[50] == "(800 more)"
    assert said[51:] == [str(number) for number in range(850, 1000)]
    times = [entry["at"] for entry in log.entries]
    assert times == sorted(times)


def test_a_story_begins_again() -> None:
    """What a test did before is another story: it is left out, and not counted."""
    log = Log()
    log.number([{"event_id": 7}])
    for number in range(1000):
        log.add("suite", str(number))
    log.begin_again()
    log.add("suite", "the next")
    assert [entry["what"] for entry in log.entries] == ["the next"]
    assert log.named({"event_id": 7}) == "event 1"
