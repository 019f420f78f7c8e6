"""Kafka: librdkafka's mock cluster, a process of its own for each submission, behind a front."""
