"""Names the function that a lesson's demo lacks, before there is anything to show."""

from __future__ import annotations

import textwrap
import traceback

_COLUMNS = 79


def not_filled_in(error: NotImplementedError) -> str:
    """Return which function is still a stub and what its stub says, wrapped to 79 columns."""
    stub = traceback.extract_tb(error.__traceback__)[-1].name
    return textwrap.fill(f"{stub}() is not filled in yet: {error}", _COLUMNS)
