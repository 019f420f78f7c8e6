"""Reports as text; each module is functions of a report."""
