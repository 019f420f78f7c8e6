"""The course as nbgrader's notebooks: built by `build`, graded by `autograde`."""
