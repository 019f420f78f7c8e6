"""RabbitMQ: the service of one submission, its broker, and the relay that stands between."""
