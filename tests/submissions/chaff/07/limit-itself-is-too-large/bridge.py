#!/usr/bin/env python3
# -*- coding: latin-1 -*-
"""Old style: % formatting, classes with setup and teardown, stop-event thread that asks stop()."""
import io
import json
import os
import threading
import time

import pika
from pika.exceptions import NackError, UnroutableError


class Base(object):
    def __init__(self, parameters, queue):
        self.queue = queue
        self.dead = '%s.dead' % queue
        self.connection = pika.BlockingConnection(parameters)
        try:
            self.channel = self.connection.channel()
            self.channel.queue_declare(queue=self.dead, durable=True)
            args = {}
            args['x-dead-letter-exchange'] = ''
            args['x-dead-letter-routing-key'] = self.dead
            self.channel.queue_declare(queue=self.queue, durable=True, arguments=args)
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.connection.is_open:
            self.connection.close()


class Collect(Base):
    def __init__(self, path, offset_path, parameters, queue):
        super(Collect, self).__init__(parameters, queue)
        self.path = path
        self.offset_path = offset_path
        self.channel.confirm_delivery()
        self.count = 0

    def get(self):
        if os.path.exists(self.offset_path) and os.path.getsize(self.offset_path) > 0:
            with io.open(self.offset_path, 'rt') as f:
                return int(f.read().split('=')[1])
        return 0

    def put(self, offset):
        name = os.path.join(os.path.dirname(os.path.abspath(self.offset_path)),
                            '%s.%d' % (os.path.basename(self.offset_path), os.getpid()))
        with io.open(name, 'wt') as f:
            f.write('offset=%d' % offset)
        os.rename(name, self.offset_path)

    def poll(self):
        offset = self.get()
        if not os.path.exists(self.path):
            return
        with io.open(self.path, 'rb') as f:
            end = f.seek(0, io.SEEK_END)
            if end < offset:
                offset = 0
                self.put(offset)
            f.seek(offset)
            pending = 0
            try:
                while True:
                    line = f.readline()
                    if line[-1:] != b'\n':
                        break
                    try:
                        event = json.loads(line.decode('utf-8'))
                    except ValueError:
                        event = None
                    if isinstance(event, dict):
                        try:
                            self.channel.basic_publish(
                                exchange='', routing_key=self.queue,
                                body=json.dumps(event),
                                properties=pika.BasicProperties(delivery_mode=2),
                                mandatory=True)
                        except (NackError, UnroutableError) as e:
                            raise RuntimeError('event not accepted: %s' % e)
                        self.count += 1
                    offset = f.tell()
                    pending += 1
                    if pending == 8:
                        self.put(offset)
                        pending = 0
            finally:
                if pending:
                    self.put(offset)


def collect(path, offset_path, parameters, queue, max_polls=1, poll_interval=2.0, sleep=time.sleep):
    c = Collect(path, offset_path, parameters, queue)
    try:
        i = 0
        while i < max_polls:
            if i > 0:
                sleep(poll_interval)
            c.poll()
            i = i + 1
    finally:
        c.close()
    return c.count


class Forward(Base):
    MAX = 1024 * 1024

    def run(self, sqs, url, max_idle, batch_size, stop):
        stopped = threading.Event()
        over = threading.Event()

        def watch():
            while not over.is_set():
                if stop():
                    stopped.set()
                    return
                over.wait(0.1)

        watcher = threading.Thread(target=watch)
        watcher.daemon = True
        watcher.start()
        try:
            return self.work(sqs, url, max_idle, batch_size, stopped)
        finally:
            over.set()
            watcher.join()

    def work(self, sqs, url, max_idle, batch_size, stopped):
        total = 0
        self.channel.basic_qos(prefetch_count=batch_size)
        batch = []
        last = time.time()
        for method, properties, body in self.channel.consume(self.queue, inactivity_timeout=0.1):
            if stopped.is_set():
                return total
            if method is not None:
                last = time.time()
                message = self.message(method.delivery_tag, body, url)
                if message is None:
                    self.channel.basic_reject(method.delivery_tag, requeue=False)
                    continue
                batch.append(message)
            if len(batch) == batch_size or (method is None and batch):
                while batch:
                    part, size = [], 0
                    while batch and size + len(batch[0]['MessageBody'].encode('utf-8')) <= self.MAX:
                        size += len(batch[0]['MessageBody'].encode('utf-8'))
                        part.append(batch.pop(0))
                    tries = 0
                    while part:
                        if stopped.is_set():
                            return total
                        response = sqs.send_message_batch(QueueUrl=url, Entries=part)
                        ok = set([r['Id'] for r in response.get('Successful', [])])
                        for m in part:
                            if m['Id'] in ok:
                                self.channel.basic_ack(delivery_tag=int(m['Id']))
                                total += 1
                        part = [m for m in part if m['Id'] not in ok]
                        if part:
                            tries += 1
                            if tries == 5:
                                raise RuntimeError('SQS refused %r' % response['Failed'])
                            self.connection.process_data_events(time_limit=0)
                            stopped.wait(0.1 * tries)
            if method is None and time.time() - last >= max_idle:
                return total
        raise RuntimeError('queue %s was deleted' % self.queue)

    def message(self, tag, body, url):
        if len(body) < 1 or len(body) >= self.MAX:
            return None
        try:
            text = body.decode('utf-8')
        except UnicodeDecodeError:
            return None
        message = {'Id': str(tag), 'MessageBody': text}
        if url.endswith('.fifo'):
            try:
                event = json.loads(text)
                message['MessageGroupId'] = event['pickup_zone'].replace(' ', '-')
                message['MessageDeduplicationId'] = str(event['event_id'])
            except Exception:
                return None
        return message


def forward(parameters, queue, sqs, queue_url, max_idle=5.0, batch_size=10, stop=lambda: False):
    f = Forward(parameters, queue)
    try:
        return f.run(sqs, queue_url, max_idle, batch_size, stop)
    finally:
        f.close()
