"""The servers of a comparison: a class for each kind of service, real or simulated."""
