"""Rewritings of right code that keep what it does: each must still get full marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from grader.authoring.mutants.rewrites import layout, syntax, wrapping

Rewrite = Callable[[str], bytes]
"""Gives the file anew, as bytes, from its text."""

REWRITES: Mapping[str, Rewrite] = {
    **layout.REWRITES,
    **syntax.REWRITES,
    **wrapping.REWRITES,
}
"""By name."""
