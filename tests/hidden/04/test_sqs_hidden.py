"""Hidden suite of exercise 04. The queues' clock is moved, so a time-out of 30 s costs nothing."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from grader.suite import HANDLE, Handle, Kept, New, Raised
from grader.suite.steps import in_words

JUNK = ("{broken", "42", '["a", "list"]', '"text"', "null", "true", "{} {}", " ")
RECEIVES = "ReceiveMessage"
DELETES = ("DeleteMessage", "DeleteMessageBatch")


def student(sqs) -> New:
    """The student's boto3 client."""
    return New("boto3.client", "sqs", **sqs.consumer_arguments)


def ids(events: list) -> list:
    """The events' ids, for a sentence."""
    return [event.get("event_id") if isinstance(event, dict) else event for event in events]


def in_queue(queue) -> str:
    """What is left in a queue, for the end of a sentence."""
    visible, hidden = queue.depth
    return f"in the queue are {visible} visible and {hidden} hidden"


def same(events: list, expected: list) -> bool:
    """Whether these are the same events; a standard queue promises no order."""
    return sorted(map(canonical, events)) == sorted(map(canonical, expected))


def canonical(event: object) -> str:
    """JSON in which the order of the keys does not count; of what is no JSON, what it looks like."""
    try:
        return json.dumps(event, sort_keys=True)
    except TypeError:
        return repr(event)


def attributes(client, url: str) -> dict:
    """All attributes of a queue."""
    return client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def create(consumer, sqs, name: str, **kwargs: int) -> str:
    """What create_queue returns."""
    url = consumer.process().call("sqs.create_queue", student(sqs), name, **kwargs)
    assert isinstance(url, str), (
        f"create_queue should return the queue's URL, a str; it returned a {type(url).__name__}"
    )
    return url


def send(consumer, sqs, url: str, events: list) -> None:
    """Call send_events, which must not raise."""
    consumer.process().call("sqs.send_events", student(sqs), url, events)


def received(client, url: str) -> list:
    """Every message of a queue, with its attributes; hidden for an hour afterwards."""
    found = []
    while messages := client.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=3600,
        MessageAttributeNames=["All"],
    ).get("Messages"):
        found += messages
    return found


# Creating -------------------------------------------------------------------------


@pytest.mark.check("04.create-queue")
@pytest.mark.parametrize("end", ["", ".fifo"])
def test_the_queue_is_as_asked_for(consumer, sqs, rng, end):
    """Attributes, URL, and a second call."""
    name = f"q{rng.randrange(16**8):08x}{end}"
    visibility, retention = rng.randint(31, 900), rng.randint(100, 100_000)
    asked = {"visibility_timeout": visibility, "retention": retention, "max_receive_count": 4}
    url = create(consumer, sqs, name, **asked)
    assert url.endswith(f"/{name}"), f"expected the URL of {name}, got {url}"
    found = attributes(sqs.client(), url)
    assert found.get("VisibilityTimeout") == str(visibility), (
        f"create_queue was called with visibility_timeout={visibility}; the queue has {found.get('VisibilityTimeout')}"
    )
    assert found.get("MessageRetentionPeriod") == str(retention), (
        f"create_queue was called with retention={retention}; the queue has {found.get('MessageRetentionPeriod')}"
    )
    group = {"MessageGroupId": "g", "MessageDeduplicationId": "d"} if end else {}
    sqs.client().send_message(QueueUrl=url, MessageBody="{}", **group)
    again = create(consumer, sqs, name, **asked)
    assert again == url, f"a second call should return {url}, it returned {again}"
    assert sqs.depth(url) == (1, 0), (
        "a message was in the queue, and after a second call of create_queue it was gone"
    )


@pytest.mark.check("04.create-queue")
def test_the_defaults(consumer, sqs, rng):
    """Called with a name alone."""
    found = attributes(sqs.client(), create(consumer, sqs, f"q{rng.randrange(16**8):08x}"))
    seen = {key: found.get(key) for key in ("VisibilityTimeout", "MessageRetentionPeriod")}
    assert seen == {"VisibilityTimeout": "30", "MessageRetentionPeriod": "86400"}, (
        f"by default a queue hides for 30 s and keeps for 86400 s; yours has {seen}"
    )


@pytest.mark.check("04.dead-letter-queue")
@pytest.mark.parametrize("end", ["", ".fifo"])
def test_a_message_is_dead_after_so_many_receives(consumer, sqs, rng, end):
    """Received and not deleted, max_receive_count times; the next receive moves it."""
    name, limit = f"q{rng.randrange(16**8):08x}", rng.randint(2, 4)
    url = create(consumer, sqs, name + end, visibility_timeout=30, max_receive_count=limit)
    dead_url = sqs.queue_url(f"{name}-dead{end}")
    client = sqs.client()
    names = [each.rpartition("/")[2] for each in client.list_queues().get("QueueUrls", [])]
    made = [each for each in names if each.startswith(name)]
    assert f"{name}-dead{end}" in names, (
        f"create_queue should make a dead-letter queue {name}-dead{end}; it made {made}"
    )
    group = {"MessageGroupId": "g", "MessageDeduplicationId": "d"} if end else {}
    client.send_message(QueueUrl=url, MessageBody="{}", **group)
    for number in range(1, limit + 1):
        got = client.receive_message(QueueUrl=url).get("Messages")
        assert got, f"max_receive_count is {limit}, and receive {number} found the message gone"
        sqs.advance(31)
    assert not client.receive_message(QueueUrl=url).get("Messages"), (
        f"after {limit} receives without a delete the message should be a dead letter, it came again"
    )
    got = client.receive_message(QueueUrl=dead_url).get("Messages")
    assert got, f"after {limit} receives the message should be in the dead-letter queue"


# Sending --------------------------------------------------------------------------


@pytest.mark.check("04.send-batches")
def test_every_event_is_sent_once(consumer, sqs, queue, trips, rng):
    """More than two batches and a rest; exactly ten; none."""
    for count in (rng.randint(21, 29), 10, 0):
        events = trips(count)
        sqs.clear_requests()
        send(consumer, sqs, queue.url, events)
        batches = sqs.requests_of("SendMessageBatch")
        sizes = [len(request.parameters.get("Entries", [])) for request in batches]
        assert not sqs.requests_of("SendMessage"), (
            f"{count} events should be sent in batches, not with SendMessage one by one"
        )
        assert max(sizes, default=0) <= 10, (
            f"a batch takes ten entries at most, yours had {max(sizes)}"
        )
        assert count == 0 or len(sizes) < count, (
            f"{count} events were sent in {len(sizes)} requests: put several into each"
        )
        messages = received(queue.client, queue.url)
        bodies = [json.loads(message["Body"]) for message in messages]
        assert same(bodies, events), (
            f"{count} events were to be sent, {len(bodies)} messages arrived"
        )
        for message in messages:
            kind = message.get("MessageAttributes", {}).get("EventType", {})
            assert kind.get("StringValue") == "trip_start", (
                f"every message should have the attribute EventType=trip_start, one has {kind or 'none'}"
            )


def event_id(entry: dict) -> object:
    """Of the event in an entry of a batch."""
    return json.loads(entry["MessageBody"]).get("event_id")


def times_sent(sqs) -> Counter:
    """How often each event was part of a batch."""
    batches = sqs.requests_of("SendMessageBatch")
    return Counter(event_id(entry) for each in batches for entry in each.parameters["Entries"])


@pytest.mark.check("04.send-partial-failure")
def test_failed_entries_are_sent_again(consumer, sqs, queue, trips, rng):
    """Three of them fail once, in whichever batch they are."""
    events = trips(20)
    unlucky = {event["event_id"] for event in rng.sample(events, 3)}
    failed = set()

    def pick(entry, _):
        number = event_id(entry)
        fails = number in unlucky - failed
        failed.update({number} & unlucky)
        return fails

    sqs.fail_batch_entries(pick)
    send(consumer, sqs, queue.url, events)
    arrived = [json.loads(message["Body"]) for message in received(queue.client, queue.url)]
    found = {event["event_id"] for event in arrived}
    assert found == {event["event_id"] for event in events}, (
        f"3 of 20 entries failed at first; {len(found)} of the 20 events are in the queue"
    )
    counts = times_sent(sqs)
    more = sum(counts.values()) - 20
    assert all(counts[number] == 1 for number in found - unlucky), (
        f"3 of 20 entries had failed, and {more} were sent again: send the failed ones alone"
    )
    assert len(arrived) == 20, f"20 events were to be sent, {len(arrived)} messages arrived"


@pytest.mark.check("04.send-partial-failure")
def test_an_entry_that_keeps_failing_raises(consumer, sqs, queue, trips):
    """One entry never succeeds."""
    events = trips(3)
    unlucky = events[1]["event_id"]
    sqs.fail_batch_entries(lambda entry, _: event_id(entry) == unlucky)
    step = consumer.start("sqs.send_events", student(sqs), queue.url, events).next()
    assert isinstance(step, Raised), (
        f"one entry failed again and again, so send_events should raise; {in_words(step, 'it')}"
    )
    tries = times_sent(sqs)[unlucky]
    assert tries >= 2, (
        f"a failed entry should be sent again at least once, it was sent {tries} time(s)"
    )


# Consuming ------------------------------------------------------------------------


@pytest.mark.check("04.consumes")
def test_everything_is_handled_and_deleted(consumer, sqs, queue, start, trips, rng):
    """More events than a batch."""
    events = trips(rng.randint(11, 17))
    queue.put(*events)
    consumer.given(f"{len(events)} events were in the queue")
    run = start(consumer, queue, max_events=len(events))
    seen = run.drain()
    assert same(seen, events), f"{len(events)} events were sent, {len(seen)} were handled"
    assert run.value == len(events), (
        f"{len(events)} events were handled, so {len(events)} should be returned, not {run.value!r}"
    )
    assert queue.depth == (0, 0), f"every handled message should be deleted; {in_queue(queue)}"


@pytest.mark.check("04.long-polling")
def test_every_receive_is_a_long_poll(consumer, sqs, queue, start, trips, rng):
    """With messages there and without."""
    wait = rng.randint(2, 19)
    queue.put(*trips(3))
    start(consumer, queue, max_events=9, wait_seconds=wait, max_empty_receives=2).drain()
    waits = [request.parameters.get("WaitTimeSeconds") for request in sqs.requests_of(RECEIVES)]
    assert waits, "sqs_consumer received nothing"
    assert set(waits) == {wait}, (
        f"every receive should ask with WaitTimeSeconds={wait}; yours asked with {waits}"
    )


def deletes_so_far(sqs) -> int:
    """How many messages the consumer has deleted."""
    single = len(sqs.requests_of(DELETES[0]))
    return single + sum(len(r.parameters.get("Entries", [])) for r in sqs.requests_of(DELETES[1]))


@pytest.mark.check("04.delete-after-handle")
def test_killed_inside_handle_at_every_event(consumer, sqs, new_queue, start, trips):
    """Killed while it handles event k, for every k: after the time-out it comes back."""
    events = trips(4)
    for k in range(len(events)):
        queue = new_queue()
        queue.put(*events)
        run = start(consumer, queue, max_events=4, batch_size=2)
        handled = []
        for _ in range(k):
            handled.append(run.next_event())
            run.handled()
        current = run.next_event()
        run.kill()
        sqs.advance(31)
        seen = start(consumer, queue, max_events=4, max_empty_receives=1).drain()
        missing = [event for event in events if event not in handled and event not in seen]
        assert not missing, (
            f"killed inside handle() of event {k + 1} of 4; after the visibility timeout "
            f"{len(missing)} events never came back"
            + (
                ", the one in hand among them: it was deleted too early"
                if current in missing
                else ""
            )
        )


@pytest.mark.check("04.delete-after-handle")
def test_each_message_is_deleted_before_the_next_receive(consumer, sqs, queue, start, trips):
    """In the order of the requests: no delete inside handle, all of a batch before the next one."""
    events = trips(7)
    queue.put(*events)
    run = start(consumer, queue, max_events=7, batch_size=3)
    done = 0
    while isinstance(run.next(), Handle):
        deleted = deletes_so_far(sqs)
        assert deleted <= done, f"{done} events were handled so far, and {deleted} deleted already"
        run.handled()
        done += 1
    open_messages = 0
    for request in sqs.requests:
        if request.action == RECEIVES:
            assert open_messages == 0, (
                f"handled messages should be deleted before the next receive; {open_messages} were not"
            )
            open_messages = len(request.response.get("Messages", []))
        elif request.action == DELETES[0]:
            open_messages -= 1
        elif request.action == DELETES[1]:
            open_messages -= len(request.parameters["Entries"])
    assert open_messages == 0, f"{open_messages} handled messages were never deleted"


@pytest.mark.check("04.visibility-redelivery")
def test_what_a_dead_consumer_held_comes_back(consumer, sqs, queue, start, trips):
    """Hidden from a second consumer at first, there for it after the time-out."""
    events = trips(3)
    queue.put(*events)
    run = start(consumer, queue, max_events=3, batch_size=3)
    held = run.next_event()
    run.kill()
    before = len(sqs.requests)
    second = start(consumer, queue, max_events=3, wait_seconds=1, max_empty_receives=1)
    early = second.drain()
    empty = sum(
        request.action == RECEIVES and not request.response.get("Messages")
        for request in sqs.requests[before:]
    )
    # Each empty answer makes a second of the queue's time pass.
    assert held not in early, (
        f"max_empty_receives is 1, and after {empty} empty answers it had a message that was hidden "
        "until the visibility timeout was over"
        if empty > 1
        else "a consumer was killed in handle(); until the visibility timeout is over its message "
        "should be hidden, and a second consumer got it at once"
    )
    sqs.advance(31)
    seen = early + start(consumer, queue, max_events=3, max_empty_receives=1).drain()
    assert same(seen, events), (
        f"a consumer was killed with 3 messages in hand; after the visibility timeout all 3 should come back, {len(seen)} did"
    )


@pytest.mark.check("04.failed-handle-not-deleted")
def test_a_failed_message_stays_and_the_others_go_on(consumer, sqs, queue, start, trips):
    """The first of five fails, and comes back after the time-out."""
    events = trips(5)
    queue.put(*events)
    run = start(consumer, queue, max_events=4, batch_size=5)
    handled = []
    bad = run.next_event()
    run.fails()
    while isinstance(step := run.next(), Handle):
        handled.append(step.event)
        run.handled()
    assert not isinstance(step, Raised), (
        f"handle() raised for one event of 5, and what it raised left sqs_consumer: {step.message}"
    )
    rest = [event for event in events if event != bad]
    assert same(handled, rest), (
        f"the 4 other events should be handled, {ids(rest)}; handled: {ids(handled)}"
    )
    assert step.value == 4, f"4 events were handled, so 4 should be returned, not {step.value!r}"
    visible, hidden = queue.depth
    left_alone = visible == 0 and hidden > 0
    assert left_alone, (
        "the message whose handle() raised should stay in the queue, hidden until its time-out; "
        f"{in_queue(queue)}"
    )
    sqs.advance(31)
    seen = start(consumer, queue, max_events=1, max_empty_receives=1).drain()
    assert seen == [bad], (
        f"handle() raised for event {ids([bad])[0]}: after the visibility timeout it should come back, "
        f"it came: {ids(seen) or 'nothing'}"
    )


@pytest.mark.check("04.failed-handle-not-deleted")
def test_ctrl_c_leaves(consumer, sqs, queue, start, trips):
    """KeyboardInterrupt is no failure of one event: it ends the consumer, and deletes nothing."""
    events = trips(2)
    queue.put(*events)
    run = start(consumer, queue, max_events=2, max_empty_receives=1)
    held = run.next_event()
    run.fails("KeyboardInterrupt")
    while isinstance(step := run.next(), Handle):
        run.handled()  # in a thread of its own, it may have begun before
    left_by_it = isinstance(step, Raised) and step.is_a("KeyboardInterrupt")
    assert left_by_it, (
        f"Ctrl-C inside handle() should leave sqs_consumer unchanged; {in_words(step, 'it')}"
    )
    sqs.advance(31)
    left = [json.loads(message["Body"]) for message in received(queue.client, queue.url)]
    assert held in left, "Ctrl-C came inside handle(): that event's message should not be deleted"


@pytest.mark.check("04.empty-receives")
def test_it_gives_up_after_empty_answers_in_a_row(consumer, sqs, queue, start, rng):
    """Nothing ever comes."""
    limit = rng.randint(2, 5)
    consumer.given(f"the queue is empty, and max_empty_receives is {limit}")
    run = start(consumer, queue, max_events=3, wait_seconds=1, max_empty_receives=limit)
    value = run.returned()
    asked = len(sqs.requests_of(RECEIVES))
    assert asked == limit, f"max_empty_receives is {limit}; it received {asked} times"
    assert value == 0, f"nothing was handled, so 0 should be returned, not {value!r}"


@pytest.mark.check("04.empty-receives")
@pytest.mark.parametrize("fails", [False, True])
def test_an_answer_with_messages_starts_the_count_anew(
    consumer, sqs, new_queue, start, trips, rng, fails
):
    """Two messages, each after all but one of the empty answers that it takes to give up."""
    limit = rng.randint(2, 4)
    first, second = trips(2)
    queue = new_queue(1)  # so that no message comes a second time
    queue.put(first)
    full = {limit, 2 * limit}
    sqs.empty_receives(*(set(range(1, 2 * limit)) - full))
    run = start(consumer, queue, max_events=9, wait_seconds=1, max_empty_receives=limit)
    while isinstance(step := run.next(), Handle):
        if step.event == first:
            queue.put(second)
        if fails:
            run.fails()
        else:
            run.handled()
    assert not isinstance(step, Raised), (
        f"max_empty_receives is {limit}: it should give up and return; {in_words(step, 'it')}"
    )
    answers = [bool(r.response.get("Messages")) for r in sqs.requests_of(RECEIVES)]
    expected = [number in full for number in range(1, 3 * limit + 1)]
    assert answers == expected, (
        f"max_empty_receives is {limit}, and receives {limit} and {2 * limit} bring a message "
        f"({'handle() raises' if fails else 'which is handled'}): it should give up after receive "
        f"{3 * limit}, it did after receive {len(answers)}"
    )


@pytest.mark.check("04.leaves-the-rest")
def test_it_never_receives_more_than_it_will_handle(consumer, sqs, queue, start, trips, rng):
    """In no receive, and what is beyond max_events stays visible."""
    total, wanted = 12, rng.choice((3, 6, 7, 8))
    queue.put(*trips(total))
    run = start(consumer, queue, max_events=wanted, batch_size=5)
    done = 0
    while isinstance(run.next(), Handle):
        asked = sqs.requests_of(RECEIVES)[-1].parameters.get("MaxNumberOfMessages", 1)
        got = sum(len(r.response.get("Messages", [])) for r in sqs.requests_of(RECEIVES))
        assert got <= wanted, (
            f"max_events is {wanted}, and {got} messages were received (the last receive asked for {asked})"
        )
        run.handled()
        done += 1
    assert done == wanted, f"max_events is {wanted}; {done} events were handled"
    assert queue.depth == (total - wanted, 0), (
        f"{total - wanted} of {total} messages should be left, all visible; {in_queue(queue)}"
    )


@pytest.mark.check("04.leaves-the-rest")
def test_a_batch_is_never_larger_than_asked(consumer, sqs, queue, start, trips, rng):
    """batch_size bounds each receive."""
    size = rng.randint(1, 4)
    queue.put(*trips(9))
    start(consumer, queue, max_events=9, batch_size=size).drain()
    asked = [r.parameters.get("MaxNumberOfMessages", 1) for r in sqs.requests_of(RECEIVES)]
    assert max(asked) <= size, f"batch_size is {size}; a receive asked for {max(asked)}"


@pytest.mark.check("04.bad-message")
def test_a_bad_message_is_left_alone(consumer, sqs, new_queue, start, trips, rng):
    """The events are handled, the bad ones become dead letters in the end."""
    queue = new_queue(2)
    events = trips(len(JUNK))
    for junk, event in zip(rng.sample(JUNK, len(JUNK)), events, strict=True):
        queue.put(junk, event)
    consumer.given(f"{len(events)} events lie between {len(JUNK)} bad messages")
    run = start(consumer, queue, max_events=len(events), batch_size=10)
    seen = run.drain()
    assert same(seen, events), (
        f"{len(events)} events lie between {len(JUNK)} bad messages; handled: {ids(seen)}"
    )
    for _ in range(3):
        sqs.advance(31)
        again = start(consumer, queue, max_events=1, max_empty_receives=1).drain()
        assert again == [], (
            f"only bad messages should be left, and handle() was called with {ids(again)}"
        )
    dead = queue.dead_letters
    assert sorted(dead) == sorted(JUNK), (
        f"{len(JUNK)} bad messages should be in the dead-letter queue after 2 receives, {len(dead)} are"
    )


# Idempotence and FIFO -------------------------------------------------------------


@pytest.mark.check("04.idempotent")
def test_a_duplicate_is_handled_once(consumer, sqs, queue, start, trips):
    """SQS delivers a message again although it was deleted."""
    events = trips(2)
    queue.put(*events)
    sqs.duplicate_next_delivery(queue.url)
    process = consumer.process()
    process.keep("seen", New("builtins.set"))
    handler = New("sqs.once", HANDLE, Kept("seen"))
    run = start(process, queue, handler, max_events=3, max_empty_receives=2)
    handled = run.drain()
    got = sum(len(r.response.get("Messages", [])) for r in sqs.requests_of(RECEIVES))
    assert got == 3 or len(handled) < 2, (
        f"the duplicate should have been received, {got} messages were"
    )
    assert same(handled, events), (
        f"2 events, one of them delivered twice: expected each to be handled once, handled: {ids(handled)}"
    )


@pytest.mark.check("04.idempotent")
def test_a_failed_event_is_handled_again(consumer, trips):
    """Its id enters `seen` only when handle has returned."""
    (event,) = trips(1)
    process = consumer.process()
    process.keep("seen", New("builtins.set"))
    process.keep("handler", New("sqs.once", HANDLE, Kept("seen")))
    outcomes = []
    for fails in (True, False, False):
        run = process.start("inside.worker.apply", Kept("handler"), event)
        step = run.next()
        outcomes.append(isinstance(step, Handle))
        if not isinstance(step, Handle):
            continue
        if fails:
            run.fails()
            raised = run.raised()
            assert raised.is_a("HandlerError"), (
                f"what handle() raises should pass through once() unchanged; it raised {raised.message}"
            )
        else:
            run.handled()
            run.returned()
    assert outcomes[0], "an event that was not seen before should be handled"
    assert outcomes[1], (
        "the event failed the first time; the second time it should be handled, it was not"
    )
    assert not outcomes[2], (
        "the event was handled; the third time it should be passed over, it was handled"
    )


@pytest.mark.check("04.fifo")
def test_order_is_kept_within_a_zone(consumer, sqs, new_queue, start, trips, rng):
    """Several zones, one of them with a space; each zone's events in order."""
    queue = new_queue(fifo=True)
    zones = ["Staten Island", "Queens", "Bronx"]
    events = [event | {"pickup_zone": rng.choice(zones)} for event in trips(14)]
    events += [event | {"pickup_zone": zone} for event, zone in zip(trips(3), zones, strict=True)]
    send(consumer, sqs, queue.url, events)
    entries = [e for r in sqs.requests_of("SendMessageBatch") for e in r.parameters["Entries"]]
    groups = {entry.get("MessageGroupId") for entry in entries}
    assert groups == {"Staten-Island", "Queens", "Bronx"}, (
        f"each zone is a group of its own, spaces replaced by '-': expected 3 groups, got {groups}"
    )
    run = start(consumer, queue, max_events=len(events), max_empty_receives=2)
    seen = run.drain()
    assert same(seen, events), f"{len(events)} events were sent, {len(seen)} were handled"
    for zone in zones:
        sent = [e["event_id"] for e in events if e["pickup_zone"] == zone]
        got = [e["event_id"] for e in seen if e["pickup_zone"] == zone]
        assert got == sent, (
            f"the events of {zone} were sent in the order {sent}; handled were {got}"
        )


@pytest.mark.check("04.fifo")
def test_a_duplicate_id_is_delivered_once(consumer, sqs, new_queue, trips):
    """The same event is sent twice."""
    queue = new_queue(fifo=True)
    first, second = trips(2)
    send(consumer, sqs, queue.url, [first, second])
    send(consumer, sqs, queue.url, [first])
    count = sum(queue.depth)
    assert count == 2, f"2 events were sent, one of them twice: expected 2 messages, got {count}"
