"""Hidden suite of exercise 04: create_queue and send_events. The queues' clock is moved."""

from __future__ import annotations

import json

import pytest

from grader.suite import Failed, Kept, New, Raised, leave_to
from grader.suite.content import named, same
from grader.suite.steps import in_words, shorten

REGIONS = ("eu-north-1", "us-west-2", "ap-southeast-2", "sa-east-1")
"""Of AWS, where the clients of a test may be: a queue is in its client's."""
ENDS = ("-info", "-if", "-of", "-fifo")
"""Of queues' names: letters that ".fifo" has."""


def some_name(rng) -> str:
    """The name of a queue that nobody has made yet."""
    return f"q{rng.randrange(16**8):08x}"


def read(body: object) -> object:
    """The value of a body, or the body where it is no JSON."""
    try:
        return json.loads(body)
    except (TypeError, ValueError, RecursionError):
        return body


def id_of(entry: dict) -> object:
    """The event_id of the event in an entry of a batch."""
    event = read(entry.get("MessageBody"))
    return event.get("event_id") if isinstance(event, dict) else None


# Creating -------------------------------------------------------------------------


@pytest.mark.check("04.create-queue")
@pytest.mark.parametrize("end", ["", ".fifo"])
def test_the_queue_is_as_asked_for(student, queue_called, rng, end):
    """Attributes, URL, and a second call in the same process.

    One queue keeps messages for less than an hour and hides them for long, the other one for more
    than a day and shortly.
    """
    queue = queue_called(f"Trips_{some_name(rng)}{end}")
    if end:
        visibility, retention = rng.randint(1, 29), rng.randint(90_000, 1_209_600)
    else:
        visibility, retention = rng.randint(901, 43_200), rng.randint(60, 3599)
    wanted = {"visibility_timeout": visibility, "retention": retention, "max_receive_count": 4}
    process = student.process()
    url = student.create(queue.name, process, **wanted)
    found = queue.attributes
    assert url == queue.url, (
        f"create_queue should return the URL of {queue.name}, {queue.url}; it returned {url}"
    )
    assert found.get("VisibilityTimeout") == str(visibility), (
        f"create_queue was called with visibility_timeout={visibility}; "
        f"the queue has {found.get('VisibilityTimeout')}"
    )
    assert found.get("MessageRetentionPeriod") == str(retention), (
        f"create_queue was called with retention={retention}; "
        f"the queue has {found.get('MessageRetentionPeriod')}"
    )
    delay = found.get("DelaySeconds", "0")
    assert delay == "0", (
        f"nobody asked for a delay, and the queue has DelaySeconds {delay}: what is sent comes later"
    )
    fifo = found.get("FifoQueue", "false") == "true"
    assert fifo == queue.is_fifo, f"{queue.name} should {'' if end else 'not '}be a FIFO queue"
    queue.put({"event_id": 1, "pickup_zone": "Queens"})
    again = student.create(queue.name, process, **wanted)
    assert again == url, f"a second call should return {url}; it returned {again}"
    assert queue.depth == (1, 0), (
        "a message was in the queue, and create_queue was called a second time; after that "
        f"{queue.left}"
    )
    queue.ask("DeleteQueue")
    student.create(queue.name, process, **wanted)
    try:
        queue.ask("GetQueueAttributes", AttributeNames=["QueueArn"])
    except Failed:
        raise Failed(
            f"{queue.name} was deleted, and create_queue called again in the same process: it should make "
            "the queue again, and there is none"
        ) from None


@pytest.mark.check("04.create-queue")
def test_the_defaults(student, queue_called, rng):
    """Called with a name alone, after a queue of another kind was made in the same process.

    A time-out of 0 is one, and no sign that none was asked for.
    """
    process = student.process()
    names = (f"{some_name(rng)}{end}" for end in (".fifo", "-fifo", ""))
    other, queue, shown = map(queue_called, names)
    student.create(other.name, process, visibility_timeout=77, retention=777)
    student.create(queue.name, process)
    student.create(shown.name, process, visibility_timeout=0)
    hides = shown.attributes.get("VisibilityTimeout")
    assert hides == "0", (
        f"create_queue was called with visibility_timeout=0, which SQS takes; the queue has {hides}"
    )
    found = queue.attributes
    seen = {key: found.get(key) for key in ("VisibilityTimeout", "MessageRetentionPeriod")}
    assert seen == {"VisibilityTimeout": "30", "MessageRetentionPeriod": "86400"}, (
        f"by default a queue hides for 30 s and keeps for 86400 s; yours has {seen}"
    )


def judge_dead(queue, plain, asked) -> None:
    """Its dead-letter queue has the attributes of a plain queue, but for how long it keeps."""
    plain.make()
    usual, found = plain.attributes, queue.dead.attributes
    more = {
        name: value
        for name, value in found.items()
        if value != usual.get(name) and not name.startswith("Approximate")
    }
    for name in ("CreatedTimestamp", "LastModifiedTimestamp", "MessageRetentionPeriod", "QueueArn"):
        more.pop(name, None)
    assert not more, (
        f"the dead-letter queue {queue.dead.name} should have no attributes of its own but how long "
        f"it keeps messages; it has {', '.join(f'{key} {shorten(more[key])}' for key in more)}"
    )

    for request in asked.all:
        allows = request.parameters.get("Attributes", {}).get("RedriveAllowPolicy")
        assert "denyAll" not in str(allows), (  # which moto takes and passes over
            f"a queue was given the RedriveAllowPolicy {allows}: with it nothing is moved there"
        )


@pytest.mark.check("04.dead-letter-queue")
@pytest.mark.parametrize("end", ["", ".fifo"])
def test_a_message_is_dead_after_so_many_receives(
    student, consumer, sqs, asked, queue_called, rng, end
):
    """Of two queues, made in one process: each has a dead-letter queue and a limit of its own.

    How long a dead letter is kept is the student's choice. They are in some region, and a name may
    end in letters of ".fifo" before that.
    """
    sqs.region = rng.choice(REGIONS)
    consumer.given(f"the client is of the region {sqs.region}")
    process = student.process()
    for limit, how in ((rng.choice((1, 2, 4, 5)), "{}"), (3, "{}, the default")):
        name = some_name(rng) + (rng.choice(ENDS) if end else "")
        queue = queue_called(name + end)
        told = {} if "default" in how else {"max_receive_count": limit}
        student.create(queue.name, process, visibility_timeout=77, retention=7777, **told)
        judge_dead(queue, queue_called(some_name(rng) + end), asked)
        event = {"event_id": rng.randrange(10**6), "pickup_zone": "Queens"}
        queue.put(event)
        sqs.advance(901)  # a delay is 04.create-queue's; this is longer than any
        words = f"max_receive_count is {how.format(limit)}"
        for number in range(1, limit + 1):
            got = queue.ask("ReceiveMessage", VisibilityTimeout=30).get("Messages")
            assert got, (
                f"{words}, and no message came at receive {number}: {queue.left}, its dead-letter "
                f"queue {sum(queue.dead.depth)}"
            )
            sqs.advance(31)
        assert not queue.ask("ReceiveMessage", VisibilityTimeout=30).get("Messages"), (
            f"{words}: after {limit} receives without a delete the message should be a dead letter; "
            "it came again"
        )
        assert queue.dead.take_events() == [event], (
            f"{words}: after {limit} receives the message should be in {queue.dead.name}; it is not there"
        )


# Sending --------------------------------------------------------------------------


LARGE = ((22_000, 26_000), (22_000, 26_000), (39_000, 42_000))
"""Words of seven bytes: 150 to 180 KB, the same, 270 to 300 KB."""


def judge_batches(asked, events: list) -> None:
    """They were sent in batches, of at most ten."""
    sizes = [len(batch) for batch in asked.batches]
    alone = sum(request.action == "SendMessage" for request in asked.all)
    assert not alone, (
        f"{len(events)} events should be sent in batches; {alone} were sent alone, with SendMessage"
    )
    delays = [each["DelaySeconds"] for each in asked.sent if each.get("DelaySeconds")]
    assert not delays, (
        f"what is sent should be there at once; entries were sent with DelaySeconds {delays[0]}"
    )
    assert max(sizes, default=0) <= 10, f"a batch takes ten entries at most, yours had {max(sizes)}"
    assert len(events) <= 1 or len(sizes) < len(events), (
        f"{len(events)} events were sent in {len(sizes)} requests: put several into each"
    )


def judge_messages(messages: list, events: list, scene: str) -> None:
    """Each event is a message, once, with the attribute."""
    arrived = [read(message["Body"]) for message in messages]
    missing = [event for event in events if event not in arrived]
    assert not missing, f"{scene}; {shorten(missing[0])} did not arrive as JSON of the same event"
    assert same(arrived, events), f"{scene}; {len(arrived)} messages arrived"
    for message in messages:
        kind = message.get("MessageAttributes", {}).get("EventType", {})
        assert kind.get("StringValue") == "trip_start", (
            f"every message should have the attribute EventType=trip_start, one has {kind or 'none'}"
        )
        assert kind.get("DataType") == "String", (
            f"the attribute EventType should be a String, it is a {kind.get('DataType')}"
        )


@pytest.mark.check("04.send-batches")
def test_every_event_is_sent_once(student, asked, queue, trips, rng):
    """More than two batches and a rest, a batch and one, exactly ten, one, none."""
    process = student.process()
    for count in (rng.randint(21, 29), 11, 10, 1, 0):
        events = trips(count)
        asked.forget()
        student.send(queue, events, process)
        judge_batches(asked, events)
        judge_messages(queue.take_all(), events, f"{count} events were sent in one call")


@pytest.mark.check("04.send-batches")
def test_the_events_may_come_from_an_iterator(student, consumer, queue, trips):
    """Any Iterable of events: one that has no length, and can be gone through once."""
    events = trips(12)
    consumer.given("send_events was given the events as an iterator, which has no length")
    student.send(queue, New("builtins.iter", events))
    judge_messages(queue.take_all(), events, "12 events, of an iterator, were sent in one call")


@pytest.mark.check("04.send-batches")
def test_a_queue_is_fifo_by_its_end_alone(student, consumer, new_queue, trips):
    """A standard queue may have "fifo" in its name; it takes no deduplication ids."""
    queue = new_queue(end="-fifo-copy")
    events = trips(3)
    consumer.given(f"the queue {queue.name} is a standard queue: its name does not end in .fifo")
    student.send(queue, events)
    judge_messages(queue.take_all(), events, f"3 events were sent to the queue {queue.name}")


@pytest.mark.check("04.send-batches")
def test_any_object_is_an_event(student, asked, queue, odd_events, unusual_text, trips, rng):
    """Without the usual fields, with the attribute's name as one, equal ones, text of every kind.

    The first ten are of more than 256 KB in all: a batch may have 1 MiB.
    """
    (trip,) = trips(1)
    kinds = dict.fromkeys(("event_type", "EventType", "eventType", "type"), "trip_end")
    large = [trip | {"route": "Queens " * rng.randint(*each)} for each in LARGE]
    events = [trip, trip | kinds, *large, *odd_events, *unusual_text, dict(trip)]
    student.send(queue, events)
    judge_batches(asked, events)
    judge_messages(queue.take_all(), events, f"{len(events)} events were sent, some of them twice")


def fails_at_first(unlucky: set):
    """A function that lets each of these events fail once, in whichever batch it is."""
    failed = set()

    def pick(entry: dict, _: int) -> bool:
        number = id_of(entry)
        # What was sent may hold any value there, also one that no set takes.
        fails = isinstance(number, int | str) and number in unlucky and number not in failed
        if fails:
            failed.add(number)
        return fails

    return pick


def refused(student, queue, events: list) -> bool:
    """Tell whether send_events raises where no entry fails."""
    run = student.process().start("sqs.send_events", Kept("sqs"), queue.url, events)
    return isinstance(run.next(), Raised)


def as_meant(entry: dict) -> dict:
    """What an entry of a batch says of its message; its Id is its batch's.

    A message that is sent alone says it of itself, and where it goes.
    """
    place = ("Id", "QueueUrl", "MessageBody")
    return {name: value for name, value in entry.items() if name not in place}


@pytest.mark.check("04.send-partial-failure")
@pytest.mark.parametrize("fifo", [False, True])
@pytest.mark.parametrize("everyone", [False, True])
def test_failed_entries_are_sent_again(
    student, consumer, sqs, asked, new_queue, trips, rng, fifo, everyone
):
    """Some of them fail once, or all of a batch do; they are sent again as they were.

    Or one of each of many batches, at the same place: each batch has tries of its own.
    """
    many = not fifo and not everyone
    events = [event | {"pickup_zone": "Queens"} for event in trips(40 if many else 20)]
    events = events[:10] if everyone else events
    unlucky = events if everyone else rng.sample(events, 3)
    unlucky = events[rng.randrange(10) :: 10] if many else unlucky
    queue = new_queue(fifo=fifo)
    if fifo and refused(student, new_queue(fifo=True), events[:1]):
        leave_to(
            "04.fifo",
            "a FIFO queue takes an event with a group and a deduplication id; send_events() raised for one event",
        )
        return
    asked.forget()
    sqs.fail_batch_entries(fails_at_first({event["event_id"] for event in unlucky}))
    scene = f"{len(unlucky)} of {len(events)} entries failed at first"
    if many:
        scene = f"{len(unlucky)} of {len(events)} entries failed at first, one of every ten"
    consumer.given(scene)
    student.send(queue, events)
    for event in events:
        sent = [each for each in asked.sent if id_of(each) == event["event_id"]]
        assert event in unlucky or len(sent) <= 1, (
            f"{scene}; an entry that had not failed was sent {len(sent)} times: "
            "send the failed ones alone"
        )
        assert all(as_meant(each) == as_meant(sent[0]) for each in sent), (
            f"{scene}; one of them had {as_meant(sent[0])}, and when it was sent again "
            f"{as_meant(sent[-1]) or 'none of it'}"
        )
    sqs.advance(901)  # a delay is 04.send-batches'
    arrived = [id_of({"MessageBody": message["Body"]}) for message in queue.take_all()]
    missing = [event for event in events if event["event_id"] not in arrived]
    assert not missing, f"{scene}; {named(missing, events)} did not arrive"
    assert len(arrived) == len(events), f"{scene}; {len(arrived)} messages arrived"


@pytest.mark.check("04.send-partial-failure")
def test_an_entry_that_fails_twice_is_sent_a_third_time_or_raises(student, sqs, queue, trips):
    """Of three that failed one fails once more: its place among those sent again is another one."""
    events = trips(6)
    left = {1: 2, 3: 1, 4: 1}  # which fail, and how often

    def pick(entry: dict, _: int) -> bool:
        numbers = [n for n, event in enumerate(events) if event["event_id"] == id_of(entry)]
        fails = bool(numbers) and left.get(numbers[0], 0) > 0
        if fails:
            left[numbers[0]] -= 1
        return fails

    sqs.fail_batch_entries(pick)
    step = student.process().start("sqs.send_events", Kept("sqs"), queue.url, events).next()
    if any(left.values()):
        return  # they were not sent again: the tests before and after this one
    sqs.advance(901)  # a delay is 04.send-batches'
    scene = "entries 2, 4 and 5 of 6 failed, were sent again, and then entry 2 failed once more"
    arrived = [id_of({"MessageBody": message["Body"]}) for message in queue.take_all()]
    missing = [event for event in events if event["event_id"] not in arrived]
    assert isinstance(step, Raised) or not missing, (
        f"{scene}: send_events should send entry 2 again or raise; {in_words(step, 'it')}, and "
        f"{named(missing, events)} did not arrive"
    )
    twice = [event for event in events if arrived.count(event["event_id"]) > 1]
    assert not twice, (
        f"{scene}: the failed ones alone are sent again; {named(twice, events)} arrived more than once"
    )


@pytest.mark.check("04.send-partial-failure")
def test_a_request_that_fails_raises(student, queue_called, trips, rng):
    """There is no such queue: no entry is reported, and none has arrived."""
    queue = queue_called(some_name(rng))
    step = student.process().start("sqs.send_events", Kept("sqs"), queue.url, trips(2)).next()
    assert isinstance(step, Raised), (
        f"there is no queue {queue.name}, so no event arrived and send_events should raise; "
        f"{in_words(step, 'it')}"
    )


@pytest.mark.check("04.send-partial-failure")
def test_a_call_does_not_count_the_failures_of_another(student, sqs, consumer, queue, trips):
    """One entry keeps failing and the call raises; in the next, of the same process, it fails once."""
    process = student.process()
    events, more = trips(4), trips(4)
    sqs.fail_batch_entries(lambda entry, _: id_of(entry) == events[1]["event_id"])
    process.start("sqs.send_events", Kept("sqs"), queue.url, events).next()
    sqs.fail_batch_entries(fails_at_first({more[1]["event_id"]}))
    consumer.given(
        "in a call before, in the same process, entry 2 failed again and again; now entry 2 fails once"
    )
    student.send(queue, more, process)
    sqs.advance(901)  # a delay is 04.send-batches'
    arrived = [id_of({"MessageBody": message["Body"]}) for message in queue.take_all()]
    # Of the events of the first call some have arrived as well.
    missing = [event for event in more if event["event_id"] not in arrived]
    assert not missing, (
        f"entry 2 of 4 failed once, in the second call in one process; {named(missing, more)} did "
        "not arrive"
    )


@pytest.mark.check("04.send-partial-failure")
def test_an_entry_that_keeps_failing_raises(student, sqs, asked, queue, trips):
    """One entry never succeeds: in the first batch, in the last, or in the only one.

    Nor does it when it is sent alone. SQS calls it the sender's fault or not; what that is may be
    given up at once.
    """
    for count, place, sender_fault in ((20, 2, False), (20, 19, True), (10, 4, False)):
        events = trips(count)
        unlucky = events[place]["event_id"]

        def fails(entry: dict, _: int, unlucky: object = unlucky) -> bool:
            return id_of(entry) == unlucky

        asked.forget()
        sqs.fail_batch_entries(fails, sender_fault=sender_fault)
        sqs.refuse_messages(fails)
        process = student.process()
        step = process.start("sqs.send_events", Kept("sqs"), queue.url, events).next()
        tries = sum(fails(each, 0) for each in asked.sent)
        times = f"{tries} time{'' if tries == 1 else 's'}"
        scene = (
            f"the entry of {named([events[place]], events)} of {count} failed each time "
            f"(SenderFault: {sender_fault}; it was sent {times})"
        )
        assert isinstance(step, Raised), (
            f"{scene}, so send_events should raise; {in_words(step, 'it')}"
        )
        assert tries >= 2 or sender_fault, (
            f"a failed entry should be sent again at least once; it was sent {times}"
        )
