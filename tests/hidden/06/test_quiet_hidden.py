"""Hidden suite of exercise 06: a topic in which nothing comes, and one whose broker has a fault.

The last test of all is here: the others give it the time in which nothing comes.
"""

from __future__ import annotations

from collections import Counter

import pytest
from kafka_student import MANY

from grader.suite import Handle, Raised, Returned
from grader.suite.content import same
from grader.suite.steps import in_words

REFUSED = 6
"""Requests for messages that are refused of each client."""


@pytest.mark.check("06.quiet")
@pytest.mark.parametrize("error", ["REQUEST_TIMED_OUT", "COORDINATOR_NOT_AVAILABLE"])
def test_an_error_that_passes_is_not_the_end(student, new_topic, trips, error):
    """The broker answers some fetches with an error, which the client reports as a message.

    There are as many as some would take for the end, for each client that asks for messages.
    """
    topic, events = new_topic(1), trips(2)
    topic.put(0, events[0])
    scene = f"the broker answered some requests for messages with {error}, and then with an event"
    with student.service.recording() as recorded:
        run = student.consume(topic, max_events=2)
        first = student.step(run)
        assert first == Handle(events[0]), f"an event was in a topic; {in_words(first, 'it')}"
        run.handled()
        asking = {each.connection for each in recorded.requests("Fetch")}
        recorded.clear()
        with student.refusing("Fetch", error, MANY):
            topic.put(0, events[1])
            student.comes(lambda: not run.waiting(0) or refused(recorded) >= asking)
    step = student.step(run)
    assert step == Handle(events[1]), (
        f"{scene}: it should go on, and handle the event; {in_words(step, 'it')}"
    )


def refused(recorded) -> set[int]:
    """The connections on which enough requests for messages came."""
    asked = Counter(each.connection for each in recorded.requests("Fetch"))
    return {connection for connection, count in asked.items() if count > REFUSED}


@pytest.mark.last
@pytest.mark.check("06.quiet")
def test_a_quiet_topic_is_waited_on(waits, student, trips):
    """Nothing has come since the suite began."""
    quiet = waits.look("quiet")
    events = quiet.topic.everything
    assert quiet.step == Handle(events[0]), f"an event was published; {in_words(quiet.step, 'it')}"
    quiet.wait()
    scene = f"an event was published, and then none for {quiet.seconds:.0f} s"
    step = quiet.early
    assert step is None, f"{scene}: it should wait for the next one; {in_words(step, 'it')}"
    (event,) = trips(1)
    quiet.topic.put(0, event)
    step = student.step(quiet.run)
    assert step == Handle(event), f"{scene}, and then one came; {in_words(step, 'it')}"


@pytest.mark.last
@pytest.mark.check("06.publish-confirmed")
def test_it_waits_as_long_as_the_client_does(waits):
    """The broker confirms nothing for seconds, but within the client's own time-outs."""
    slow = waits.look("slow publish")
    step, early, seconds = slow.end()
    count = len(slow.events)
    scene = f"{count} events were to be published, and the broker had confirmed none for {seconds:.0f} s"
    if isinstance(step, Raised):
        return  # it gave up, and says so
    assert not early, f"{scene}; {in_words(step, 'it')}"
    assert isinstance(step, Returned), f"{scene}, and then it could; {in_words(step, 'it')}"
    assert same(slow.topic.values, slow.events), (
        f"{scene}, and then it could; when publish_events returned, it had "
        f"{sum(slow.topic.ends.values())} messages"
    )


@pytest.mark.last
@pytest.mark.check("06.groups")
def test_every_consumer_joined_its_group(found):
    """In whatever test: each of them was called with the name of a group."""
    strangers = found.strangers
    assert not strangers, (
        f"kafka_consumer handled events in {len(found.groups)} groups; nobody had joined "
        f"{len(strangers)} of them, one of which was {strangers[0]!r}"
    )
