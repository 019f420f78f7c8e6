"""Shared by the public tests of all exercises."""
