"""What a learner calls: check, watch, hint, status, replay, reset, and the public tests."""
