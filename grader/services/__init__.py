"""What stands behind the exercises: Redis, RabbitMQ, SQS and Kafka, embedded or real."""
