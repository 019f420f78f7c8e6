"""Properties: they hold for inputs drawn from the seed, and a failure says the smallest input.

hypothesis looks for the smallest; it is imported when an input has failed, as right submissions
would pay a third of a second each for it.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

from grader.suite.outcomes import Failed


class _Over(BaseException):
    """The program hung or ended; not an Exception, so that hypothesis lets it pass."""


def for_all(
    rng: random.Random,
    draw: Callable[[random.Random], Any],
    make: Callable[[Any], Any],
    check: Callable[[Any], None],
    *,
    examples: int = 25,
) -> None:
    """Call `check` with inputs that `draw` makes; when one fails, look for the smallest that does.

    Args:
        rng: the test's own, so that a seed draws the same inputs again.
        draw: makes an input.
        make: makes the strategy of such inputs, given hypothesis.strategies.
        check: looks at one input; an AssertionError's sentence names the input.
        examples: how many inputs to draw.

    Raises:
        Failed: the sentence of the smallest input that failed.
    """
    for _ in range(examples):
        try:
            check(draw(rng))
        except Failed:  # hung or ended: a smaller one would only take as long again
            raise
        except AssertionError as error:
            raise Failed(_smallest(rng, make, check) or str(error)) from None


def _smallest(rng: random.Random, make: Callable[[Any], Any], check: Callable[[Any], None]) -> str:
    """Return the sentence of the smallest input that fails; "" where hypothesis finds none."""
    try:
        import hypothesis  # noqa: PLC0415 - see the top
    except ImportError:
        return ""
    sentence = ""

    def look(example: Any) -> None:
        nonlocal sentence
        try:
            check(example)
        except Failed as failure:
            raise _Over from failure
        except AssertionError as error:
            sentence = str(error)
            raise

    settings = hypothesis.settings(
        max_examples=200,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    drawn = hypothesis.given(make(hypothesis.strategies))(look)
    # Code that keeps something from call to call may fail for an input once and never again:
    # hypothesis then raises an exception of its own.
    with contextlib.suppress(Exception, _Over):
        search: Any = settings(hypothesis.seed(rng.getrandbits(32))(drawn))
        search()
    return sentence
