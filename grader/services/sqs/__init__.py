"""Amazon SQS: the service of one submission, and the front that stands before the server."""
