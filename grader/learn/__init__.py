"""Check one's own work: the commands of learners, and what the public tests add to pytest."""
