"""The measurements: each drives processes through a run and makes a result of what they said."""
