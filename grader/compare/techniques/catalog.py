"""The course's techniques, in the order of its lessons."""

from __future__ import annotations

from grader.compare.techniques.kafka import Kafka
from grader.compare.techniques.polling import Polling
from grader.compare.techniques.rabbitmq import RabbitMQ
from grader.compare.techniques.redis import RedisPubSub
from grader.compare.techniques.sqs import Sqs
from grader.compare.techniques.streams import RedisStreams
from grader.compare.techniques.tail import Tail
from grader.compare.techniques.tcp_socket import TcpSocket
from grader.compare.techniques.technique import Technique

TECHNIQUES: tuple[Technique, ...] = (
    Polling(),
    Tail(),
    TcpSocket(),
    RedisPubSub(),
    RabbitMQ(),
    Sqs(),
    RedisStreams(),
    Kafka(),
)
BY_ID = {each.id: each for each in TECHNIQUES}
