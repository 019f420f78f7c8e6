"""`grader compare`: the lecture's table of opinions, measured on this machine."""
