"""Inputs that nobody thought of, for all that reads what strangers send: `make fuzz`."""
