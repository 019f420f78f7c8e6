"""Exercise 06. A shelf of messages beside the consumer: fetched ahead, cleared when taken away."""

import collections
import json
import uuid

import confluent_kafka as ck


class Shelf:
    """Messages that were fetched and not handled yet."""

    def __init__(self, consumer):
        self.consumer = consumer
        self.rows = collections.deque()

    def fill(self):
        self.rows.extend(self.consumer.consume(64, 0 if self.rows else 0.2))

    def take(self):
        while True:
            self.fill()
            if not self.rows:
                continue
            row = self.rows.popleft()
            trouble = row.error()
            if trouble is None:
                return row
            if trouble.fatal():
                raise ck.KafkaException(trouble)

    def clear(self, _, places):
        taken = [place.partition for place in places]
        self.rows = collections.deque(row for row in self.rows if row.partition() not in taken)


def as_event(row):
    try:
        made = json.loads(row.value() or b"null")
    except ValueError:
        return None
    return made if type(made) is dict else None


def kafka_consumer(settings, topic, group, handle, *, max_events, ready=lambda: None):
    mine = {"group.id": group, "enable.auto.commit": "false", "auto.offset.reset": "beginning"}
    member = ck.Consumer(dict(settings) | mine)
    shelf = Shelf(member)
    count = 0
    try:
        member.subscribe(
            [topic],
            on_assign=lambda _, places: ready() if places else None,
            on_revoke=shelf.clear,
            on_lost=shelf.clear,
        )
        while count != max_events:
            row = shelf.take()
            event = as_event(row)
            if event is not None:
                handle(event)
                count += 1
            try:
                member.commit(row, asynchronous=False)
            except ck.KafkaException as refused:
                if refused.args[0].name() != "REBALANCE_IN_PROGRESS":
                    raise
        return count
    finally:
        member.close()


def publish_events(settings, topic, events):
    problems = []
    sender = ck.Producer(dict(settings) | {"acks": -1})

    def told(problem, _):
        if problem:
            problems.append(problem)

    for event in events:
        line = json.dumps(event).encode()
        sent = False
        while not sent:
            try:
                sender.produce(topic, value=line, key=event["pickup_zone"].encode(), callback=told)
                sent = True
            except BufferError:
                sender.poll(0.2)
        sender.poll(0)
    while sender.flush(5):
        pass
    if problems:
        raise ck.KafkaException(problems[0])


class Looker:
    """A consumer that joins nothing."""

    def __init__(self, settings, topic, group):
        self.topic = topic
        self.client = ck.Consumer(
            dict(settings)
            | {"group.id": group, "enable.auto.commit": "false", "enable.partition.eof": "true"}
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def spans(self):
        known = self.client.list_topics(self.topic, timeout=20).topics[self.topic]
        if known.error is not None:
            raise ck.KafkaException(known.error)
        for number in known.partitions:
            place = ck.TopicPartition(self.topic, number)
            yield number, *self.client.get_watermark_offsets(place, timeout=20)


def replay(settings, topic, handle):
    count = 0
    with Looker(settings, topic, uuid.uuid4().hex) as looker:
        spans = {n: (low, high) for n, low, high in looker.spans() if low < high}
        looker.client.assign([ck.TopicPartition(topic, n, low) for n, (low, _) in spans.items()])
        while spans:
            row = looker.client.poll(0.2)
            if row is None:
                continue
            number, trouble = row.partition(), row.error()
            if trouble is not None:
                if trouble.fatal():
                    raise ck.KafkaException(trouble)
                if trouble.code() == ck.KafkaError._PARTITION_EOF:
                    spans.pop(number, None)
                continue
            if number not in spans:
                continue
            end = spans[number][1]
            if row.offset() < end and (event := as_event(row)) is not None:
                handle(event)
                count += 1
            if row.offset() >= end - 1:
                spans.pop(number)
    return count


def lag(settings, topic, group):
    with Looker(settings, topic, group) as looker:
        spans = {n: (low, high) for n, low, high in looker.spans()}
        asked = [ck.TopicPartition(topic, n) for n in spans]
        found = {}
        for place in looker.client.committed(asked, timeout=20):
            if place.error is not None:
                raise ck.KafkaException(place.error)
            low, high = spans[place.partition]
            found[place.partition] = high - (low if place.offset < 0 else place.offset)
        return found
