"""Fifth exercise. One letter at a time: fetch it, read it, sign for it."""

import json as j

import redis as r


def append_events(post_office, street, letters, *, keep=None):
    def stamp(letter):
        number = post_office.xadd(street, {"event": j.dumps(letter, sort_keys=False)})
        return number if isinstance(number, str) else number.decode("ascii")

    numbers = list(map(stamp, letters))
    _ = keep is not None and post_office.xtrim(street, maxlen=int(keep), approximate=False)
    return numbers


def stream_consumer(post_office, street, round_, postman, handle, *, max_events, batch_size=10,
                    idle_ms=30_000, wait_ms=1000, max_deliveries=3, max_empty_reads=5):
    open_round(post_office, street, round_)
    signed = knocks = 0
    while signed != max_events and knocks != max_empty_reads:
        letter = forgotten(post_office, street, round_, postman, idle_ms)
        if letter is None:
            bag = post_office.xreadgroup(round_, postman, {street: ">"}, count=1, block=wait_ms)
            if not bag:
                knocks += 1
                continue
            knocks = 0
            ((_, ((number, envelope),)),) = bag
            attempts = 1
        else:
            number, envelope, attempts = letter
        content = opened(envelope)
        if attempts <= max_deliveries and content is not None:
            if not delivered(handle, content):
                continue
            post_office.xack(street, round_, number)
            signed += 1
        else:
            with post_office.pipeline() as sealed:
                sealed.multi()
                sealed.xadd(street + ".dead", envelope)
                sealed.xack(street, round_, number)
                sealed.execute()
    return signed


def open_round(post_office, street, round_):
    try:
        post_office.xgroup_create(street, round_, id="0", mkstream=True)
    except r.ResponseError as refusal:
        if refusal.args[0][:9] != "BUSYGROUP":
            raise


def forgotten(post_office, street, round_, postman, idle_ms):
    while True:
        lines = post_office.xpending_range(street, round_, "-", "+", 1, idle=idle_ms)
        if not lines:
            return None
        (line,) = lines
        taken = post_office.xclaim(street, round_, postman, idle_ms, [line["message_id"]])
        if taken:
            ((number, envelope),) = taken
            return number, envelope, line["times_delivered"] + 1


def opened(envelope):
    paper = envelope.get("event", envelope.get(b"event"))
    try:
        content = j.loads(paper)
    except Exception:
        return None
    return content if isinstance(content, dict) else None


def delivered(handle, content):
    try:
        handle(content)
    except Exception:
        return False
    else:
        return True


def replay(post_office, street, handle, *, start="-", end="+"):
    read = 0
    here = start
    while shelf := post_office.xrange(street, here, end, count=10):
        for number, envelope in shelf:
            content = opened(envelope)
            if content is not None:
                handle(content)
                read += 1
        here = b"(" + (number if isinstance(number, bytes) else number.encode())
    return read


def lag(post_office, street, round_):
    wanted = {round_, round_.encode()}
    row = next(each for each in post_office.xinfo_groups(street) if each["name"] in wanted)
    last = row["last-delivered-id"]
    after = b"(" + (last if isinstance(last, bytes) else last.encode())
    return row["pending"] + len(post_office.xrange(street, after, "+"))
