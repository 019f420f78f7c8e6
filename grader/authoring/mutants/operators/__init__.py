"""The operators: families of one small mistake each."""

from __future__ import annotations

from collections.abc import Mapping

from grader.authoring.mutants.edits import Operator
from grader.authoring.mutants.operators import calls, conditions, exceptions, order, state, values

FIELD: Mapping[str, Operator] = {
    **order.OPERATORS,
    **exceptions.OPERATORS,
    **calls.OPERATORS,
    **conditions.OPERATORS,
    **values.OPERATORS,
    **state.OPERATORS,
}
"""The mistakes of this field, by name; of two that make the same mutant the first names it."""
