"""Where the event generator sends: a file, a socket, Redis (two ways), RabbitMQ, SQS or Kafka.

A sink opens in its constructor, takes NDJSON lines with `send`, and is closed with `close`.
What it cannot do it reports as a `SinkError`. Each client library is imported by the sink that
needs it: the others are not waited for, and need not be installed.
"""
