"""Hidden suite of exercise 06: a topic in which nothing comes, and one whose broker has a fault.

The last test of all is here: the others give it the time in which nothing comes.
"""

from __future__ import annotations

import pytest

from grader.suite import Handle
from grader.suite.steps import in_words


@pytest.mark.check("06.quiet")
@pytest.mark.parametrize("error", ["REQUEST_TIMED_OUT", "COORDINATOR_NOT_AVAILABLE"])
def test_an_error_that_passes_is_not_the_end(student, new_topic, trips, error):
    """The broker answers some fetches with an error, which the client reports as a message.

    There are as many as some would take for the end.
    """
    topic, events = new_topic(1), trips(2)
    topic.put(0, events[0])
    run = student.consume(topic, max_events=2)
    scene = f"the broker answered some requests for messages with {error}, and then with an event"
    assert student.step(run) == Handle(events[0]), "an event was in a topic, and was not handled"
    run.handled()
    with student.refusing("Fetch", error, 6):
        topic.put(0, events[1])
        step = student.step(run)
    assert step == Handle(events[1]), (
        f"{scene}: it should go on, and handle the event; {in_words(step, 'it')}"
    )


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
