"""The commands, a module each: what they take, and which part of the grader does the work."""
