"""Grading on several machines: a controller, a RabbitMQ, and Celery's workers."""
