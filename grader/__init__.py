"""The autograder of the course on consuming data streams."""
