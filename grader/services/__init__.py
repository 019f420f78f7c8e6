"""What stands behind the exercises: Redis, RabbitMQ and SQS, embedded or real."""
