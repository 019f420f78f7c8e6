"""Hidden suite of exercise 07: killed before each packet and each write, and counted.

A rehearsal shows what crosses between the program, RabbitMQ and SQS, and what it writes, in one
order. Then it is killed before one of those after the other. The points where an event changes hands
are tried in every run, the others as the seed draws them.
"""

from __future__ import annotations

from collections import Counter

import pytest
from bridge_patience import with_patience
from bridge_words import is_are

from grader.services.gate import Packet, kinds
from grader.suite import Raised, Returned, Write, leave_to
from grader.suite.steps import in_words

POINTS = 18
"""Kills of a run."""
BATCH = 3
EVENTS = 6
"""Of a journey: two batches."""
DEEP = 40
"""Events of a long run."""
WRITE = Packet("the file system", "write", up=True)


IN_WORDS = {
    ("basic.publish", True): "before message {} reached RabbitMQ",
    ("basic.ack", False): "when RabbitMQ had message {}, before its confirm came back",
    ("basic.deliver", False): "before message {} of the queue reached it",
    ("basic.ack", True): "before acknowledgement {} reached RabbitMQ",
    ("SendMessageBatch", True): "before request {} to SQS arrived",
    ("SendMessageBatch", False): "when SQS had batch {}, before its answer came back",
}


def where(point):
    """A point in words, after "killed"."""
    packet, number, syscall = point
    if packet == WRITE:
        return f"before its write number {number}, {syscall}"
    if said := IN_WORDS.get((packet.name, packet.up)):
        return said.format(number)
    way = f"reached {packet.service}" if packet.up else f"came back from {packet.service}"
    return f"before {packet.name} number {number} {way}"


class Journey:
    """Collect and then forward, with each write and each packet as a point."""

    def __init__(self, bridge) -> None:
        self.bridge = bridge
        self.collected = 0
        """How many points of the rehearsal were collect's."""

    def stages(self, process):
        """The calls of a journey, each begun when the one before has returned."""
        yield self.bridge.collect(process)
        yield self.bridge.forward(process, batch_size=BATCH)

    def rehearse(self, events):
        """Let it get through; what crossed and was written, in order, with each one's number."""
        self.bridge.file.append(*events)
        syscalls = []
        with self.bridge.gate.recording() as crossed:
            for run in self.stages(self.bridge.process(stop_at_writes=True)):
                while not isinstance(step := run.next("return"), Returned | Raised):
                    if isinstance(step, Write):
                        crossed.append(WRITE)
                        syscalls.append(step.syscall)
                    run.go_on()
                if isinstance(step, Raised):
                    raise run.otherwise("return", in_words(step, "it"))
                self.collected = self.collected or len(crossed)
            packets = list(crossed)
        names = iter(syscalls)
        return [
            (packet, number, next(names) if packet == WRITE else "")
            for packet, number in kinds(packets)
        ]

    def killed(self, events, point, *, recovers):
        """Kill it at a point; what the three places hold of these events then, and whether it came there.

        Where it was killed in collect, the next collect tells what is past the stored offset. With
        `recovers`, the next forward has run too.
        """
        bridge, (packet, number, _) = self.bridge, point
        bridge.file.append(*events)
        process = bridge.process(stop_at_writes=True)
        with bridge.gate.stopped_before(packet, number=number) as halt:
            writes = 0
            collects = True
            for run in self.stages(process):
                over = False
                while not over and (step := run.next_before(halt, "return")) is not None:
                    writes += isinstance(step, Write)
                    if isinstance(step, Write) and (packet, number) == (WRITE, writes):
                        break
                    if not (over := isinstance(step, Returned | Raised)):
                        run.go_on()
                if not over:
                    break
                collects = False
            if not over:
                if packet.name == "basic.publish":
                    bridge.goes_on(run)  # what it does without waiting for the confirm
                bridge.note(f"everything stands still {where(point)}")
                bridge.kill(run, halt) if packet != WRITE else bridge.kill_now(run)
        when = f"the process was killed {where(point)}"
        if collects:
            bridge.finish(bridge.collect(), when)
        if recovers:
            bridge.wait_given_back()
            bridge.finish(bridge.forward(batch_size=BATCH), f"{when}, and forward began again")
        return bridge.held(events), not over


def chosen(points, rng):
    """The places of the points where an event changes hands, around one and around both batches; and others."""
    names = [packet.name for packet, _, _ in points]
    first_of_forward = names.index("basic.consume") if "basic.consume" in names else 0
    always = set()
    confirms = [
        i for i, (packet, _, _) in enumerate(points) if packet.name == "basic.ack" and not packet.up
    ]
    publishes = [i for i, (packet, _, _) in enumerate(points) if packet.name == "basic.publish"]
    if confirms and publishes:
        event = rng.randrange(len(confirms))
        begin = max((i for i in publishes if i < confirms[event]), default=0)
        end = next((i for i in publishes if i > confirms[event]), first_of_forward or len(points))
        always.update(range(begin, min(end, begin + 10)))
    elif publishes:
        always.add(rng.choice(publishes))
    ups = [i for i, (packet, _, _) in enumerate(points) if packet.service == "SQS"]
    acks = [
        i for i, (packet, _, _) in enumerate(points) if packet.name == "basic.ack" and packet.up
    ]
    always.update([*ups[:4], *acks[:2], *acks[BATCH - 1 : BATCH + 1], *acks[-1:]])
    others = [i for i in range(len(points)) if i not in always]
    count = max(0, min(POINTS - len(always), len(others)))
    return sorted([*always, *rng.sample(others, count)])


@pytest.mark.check("07.killed-anywhere")
def test_killed_before_packets_and_writes(bridge, trips, rng, sends, answers, habits):
    """At some eighteen points of a run over all three places."""
    idle = habits.publishes_nothing or habits.sends_nothing
    assert not idle, idle
    journey = Journey(bridge)
    events = trips(EVENTS)
    points = journey.rehearse(events)
    lost = bridge.held(events).missing(events)
    assert not lost, (
        f"{EVENTS} events were in the file, and collect and forward were called and returned: each should "
        f"be in the queue, or in SQS; {bridge.these(lost, events)} {is_are(lost)} in neither"
    )
    reached, missed = Counter(), Counter()
    numbers = chosen(points, rng)
    for kill, number in enumerate(numbers, 1):
        point = points[number]
        bridge.begin_story(f"kill {kill} of {len(numbers)}, {where(point)}")
        events = trips(EVENTS)
        # Every forward ends with a wait, so not after each kill.
        recovers = point[:2] in [(packet, 1) for packet in (*sends, *answers)]
        held, came_there = journey.killed(events, point, recovers=recovers)
        function = "collect" if number < journey.collected else "forward"
        (reached if came_there else missed)[function] += 1
        scene = (
            f"{EVENTS} events were appended to the file, batch_size is {BATCH}, and "
            f"the process was killed {where(point)}{', and forward ran again' if recovers else ''}"
        )
        bridge.note_held(held, events)
        buried = [event for event in events if event in held.dead and event not in held.sqs]
        assert not (recovers and buried), (
            f"{scene}: it should go on with what was not acknowledged; {bridge.these(buried, events)} "
            f"{'is' if len(buried) == 1 else 'are'} in the dead-letter queue"
        )
        lost = held.missing(events)
        assert not lost, (
            f"{scene}: each event should be in the file past the stored offset, in the queue, or in "
            f"SQS; {bridge.these(lost, events)} {'is' if len(lost) == 1 else 'are'} in none of them"
        )
    # Threads and polls may differ by a few; who does something else than before is killed nowhere.
    for function in ("collect", "forward"):
        came, count = reached[function], reached[function] + missed[function]
        assert 2 * came >= count, (
            f"{EVENTS} events were moved by {function}, and {count} of the packets and writes seen then "
            f"were chosen to kill the process before. In the runs that followed, with {EVENTS} events "
            f"each, it came to {came} of them: it should move events in the same way each time"
        )


@pytest.mark.check("07.killed-anywhere")
def test_killed_deep_in_a_long_run(bridge, trips, rng, publish, sends):
    """Once in each function, far into it; with no keyword but max_idle."""
    events = trips(DEEP + rng.randint(2, 5))
    bridge.file.append(*events)
    number = rng.randint(13, DEEP)
    with bridge.gate.stopped_before(publish, number=number) as halt:
        run = bridge.collect()
        if not bridge.runs_to(run, halt):
            bridge.leave_unpublished(events, number)
            return
        bridge.goes_on(run)  # what it does without waiting for the confirm
        bridge.kill(run, halt)
    scene = (
        f"the file held {len(events)} events, and collect was killed {where((publish, number, ''))}"
    )
    bridge.finish(bridge.collect(), f"{scene}, and began again")
    request = rng.randint(3, 4)
    with bridge.gate.stopped_before(*sends, number=request) as halt:
        run = bridge.forward(max_idle=bridge.patient)
        if not bridge.runs_to(run, halt):
            leave_to("07.forwards", bridge.unsent(events, f"request {request}"))
            return
        bridge.kill(run, halt)
    scene += f", began again, and forward was killed {where((sends[0], request, ''))}"
    lost = bridge.held(events).missing(events)
    assert not lost, (
        f"{scene}: each event should be in the queue, or in SQS; {bridge.these(lost, events)} "
        f"{is_are(lost)} in neither"
    )


_MOVES = ("basic.reject", "basic.nack", "basic.ack", "basic.publish")


@pytest.mark.check("07.too-large")
@with_patience
def test_killed_while_a_message_is_moved(new_bridge, trips, rng, habits):
    """Whatever moves what is too large to the dead-letter queue: it is always in one of the two."""
    if habits.forgets_early:
        leave_to("07.ack-after-sent", habits.forgets_early)
        return
    bridge = new_bridge()
    if bridge.leaves_rejected():
        return
    events = large_in_the_middle(trips, rng)
    bridge.put(*events)
    with bridge.gate.recording() as crossed:
        scene = "event 2 of 3 in the queue was too large for SQS"
        bridge.finish(bridge.forward(), scene)
    dead = bridge.held(events).dead
    assert dead == events[1:2], (
        f"{scene}: it alone should be in the dead-letter queue, which holds {bridge.these(dead, events)}"
    )
    moves = [each for each in kinds(crossed) if each[0].up and each[0].name in _MOVES]
    for packet, number in moves:
        bridge = new_bridge()
        events = large_in_the_middle(trips, rng)
        bridge.put(*events)
        with bridge.gate.stopped_before(packet, number=number) as halt:
            run = bridge.forward()
            if bridge.runs_to(run, halt):
                bridge.kill(run, halt)
        lost = bridge.held(events).missing(events)
        assert not lost, (
            "event 2 of 3 in the queue was too large for SQS, and the process was killed "
            f"{where((packet, number, ''))}: {bridge.these(lost, events)} "
            f"{'is' if len(lost) == 1 else 'are'} neither in the queue, nor in the dead-letter queue, "
            "nor in SQS"
        )


def large_in_the_middle(trips, rng):
    """Three events, of which the second is too large for SQS."""
    events = trips(3)
    events[1]["note"] = "x" * (1_048_576 + rng.randint(1, 9000))
    return events
