"""Mutants of right submissions, and right ones rewritten: what measures the suites."""
