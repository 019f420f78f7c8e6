"""The gradebook: nbgrader's database, stored results, and what they give together."""
