"""Inputs that hypothesis draws: the same for the same seed, and a failure says the smallest one."""

from __future__ import annotations

import importlib
import os
import random
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from grader.suite.outcomes import Failed, NotGraded, not_graded


class _Over(BaseException):
    """A failure of no smaller input; not an Exception, so that hypothesis lets it pass."""

    def __init__(self, failure: Failed) -> None:
        super().__init__()
        self.failure = failure


@cache
def prepare() -> None:
    """Import hypothesis, if it is there, and draw once.

    A suite does so while it is imported, so that the processes forked for submissions need not:
    it takes half a second.
    """
    with suppress(NotGraded):
        draw = random.Random(0)  # noqa: S311 - not a secret
        for_all(draw, lambda st: st.integers(), lambda _: None, examples=5)


def for_all(
    rng: random.Random,
    make: Callable[[Any], Any],
    check: Callable[[Any], None],
    *,
    examples: int = 25,
) -> None:
    """Call `check` with inputs that hypothesis draws, until one fails; then with smaller ones.

    Args:
        rng: the test's own, so that a seed draws the same inputs again.
        make: makes a strategy, given hypothesis.strategies. It is imported here, as a machine may
            lack it.
        check: looks at one input; an AssertionError's sentence names the input.
        examples: how many inputs to draw.

    Raises:
        Failed: the sentence of the smallest input that failed.
        NotGraded: hypothesis is not installed.
    """
    try:
        hypothesis: Any = importlib.import_module("hypothesis")
    except ImportError:
        not_graded(
            "this check draws inputs with hypothesis, which is not installed: "
            "pip install -e '.[suites]' in the course's folder"
        )
    sentence = ""

    def look(example: Any) -> None:
        nonlocal sentence
        try:
            check(example)
        except Failed as failure:  # hung or ended: a smaller one would only take as long again
            raise _Over(failure) from None
        except AssertionError as error:
            sentence = str(error)
            raise

    _keep_to_the_seed(hypothesis)
    settings = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    drawn = hypothesis.given(make(hypothesis.strategies))(look)
    try:
        settings(hypothesis.seed(rng.getrandbits(32))(drawn))()
    except _Over as over:
        raise over.failure from None
    except Exception:
        # Code that keeps something from call to call may fail for an input once and never again:
        # hypothesis then raises an exception of its own.
        if not sentence:
            raise
        raise Failed(sentence) from None


def _keep_to_the_seed(hypothesis: Any) -> None:
    """Let nothing but the seed decide what is drawn, and keep no cache in the working directory.

    hypothesis would draw constants out of the source of whatever of the grader is imported, after
    a second of parsing; it has no setting for that.
    """
    hypothesis.configuration.set_hypothesis_home_dir(Path(os.devnull, "hypothesis"))
    providers: Any = importlib.import_module("hypothesis.internal.conjecture.providers")
    if hasattr(providers, "_get_local_constants"):
        providers._get_local_constants = lambda: providers._local_constants  # noqa: SLF001 - see above
