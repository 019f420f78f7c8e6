"""Exercise 07 with asyncio; pika stays in the loop's thread, since it is not thread-safe."""

import asyncio
import json
import os
import time

import pika


class Link:
    def __init__(self, parameters, queue):
        self.parameters, self.queue = parameters, queue

    def __enter__(self):
        self.connection = pika.BlockingConnection(self.parameters)
        self.channel = self.connection.channel()
        dead = f"{self.queue}.dead"
        self.channel.queue_declare(dead, durable=True)
        self.channel.queue_declare(
            self.queue, durable=True,
            arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead},
        )
        return self

    def __exit__(self, *_):
        if self.connection.is_open:
            self.connection.close()

    async def get(self, seconds):
        """The next message, or None when none came in that time."""
        end = time.monotonic() + seconds
        while True:
            method, _, body = self.channel.basic_get(self.queue)
            if method is not None:
                return method.delivery_tag, body
            if time.monotonic() >= end:
                return None
            await asyncio.sleep(0.03)


def collect(path, offset_path, parameters, queue, *, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    async def run():
        moved = 0
        with Link(parameters, queue) as link:
            link.channel.confirm_delivery()
            for number in range(max_polls):
                if number:
                    sleep(poll_interval)
                async for body, end in lines(path, offset_path):
                    if body is not None:
                        link.channel.basic_publish(
                            "", queue, body, pika.BasicProperties(delivery_mode=2), mandatory=True
                        )
                        moved += 1
                    put(offset_path, end)
        return moved

    return asyncio.run(run())


async def lines(path, offset_path):
    """Each complete line: its event as bytes or None, and the offset after it."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        start = got(offset_path)
        if os.fstat(fd).st_size < start:
            put(offset_path, start := 0)
        rest = b""
        at = start
        while chunk := os.pread(fd, 1 << 16, at):
            at += len(chunk)
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                start += len(line) + 1
                yield event_bytes(line), start
    finally:
        os.close(fd)


def event_bytes(line):
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return json.dumps(event, separators=(",", ":")).encode() if isinstance(event, dict) else None


def got(offset_path):
    try:
        with open(offset_path) as file:
            return int(file.readline() or "0")
    except FileNotFoundError:
        return 0


def put(offset_path, offset):
    with open(os.fspath(offset_path) + ".swap", "w") as file:
        print(offset, file=file)
    os.replace(os.fspath(offset_path) + ".swap", offset_path)


def forward(parameters, queue, sqs, queue_url, *, max_idle=5.0, batch_size=10, stop=lambda: False):
    async def run():
        with Link(parameters, queue) as link:
            return await shovel(link)

    async def shovel(link):
        sent, late = 0, None
        while True:
            batch, late = ([late] if late else []), None
            quiet = time.monotonic()
            while len(batch) < batch_size:
                if stop():
                    return sent
                message = await link.get(0.1)
                if message is None:
                    if batch:
                        break
                    if time.monotonic() - quiet >= max_idle:
                        return sent
                    continue
                tag, body = message
                entry = to_entry(body)
                if entry is None:
                    link.channel.basic_reject(tag, requeue=False)
                elif len(body) + sum(size for _, size, _ in batch) > 2**20:
                    late = tag, len(body), entry
                    break
                else:
                    batch.append((tag, len(body), entry))
            left = {str(tag): entry for tag, _, entry in batch}
            for attempt in range(5):
                entries = [{"Id": key, **entry} for key, entry in left.items()]
                asking = asyncio.create_task(
                    asyncio.to_thread(sqs.send_message_batch, QueueUrl=queue_url, Entries=entries)
                )
                while not asking.done():
                    await asyncio.wait([asking], timeout=0.1)
                    stop()
                    link.connection.process_data_events(0)
                for taken in asking.result().get("Successful", []):
                    link.channel.basic_ack(int(taken["Id"]))
                    del left[taken["Id"]]
                    sent += 1
                if not left:
                    break
                for _ in range(3 * attempt + 1):
                    if stop():
                        return sent
                    await asyncio.sleep(0.1)
            else:
                raise RuntimeError(f"not taken after five tries: {len(left)}")

    def to_entry(body):
        if len(body) > 2**20 or not body:
            return None
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return None
        if not queue_url.endswith(".fifo"):
            return {"MessageBody": text}
        match parsed(text):
            case {"event_id": identity, "pickup_zone": str(zone)}:
                return {
                    "MessageBody": text,
                    "MessageGroupId": zone.replace(" ", "-"),
                    "MessageDeduplicationId": str(identity),
                }
        return None

    return asyncio.run(run())


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return None
