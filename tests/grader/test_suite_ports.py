"""The ports of suite 02: a consumer without SO_REUSEADDR loses the points of one check alone."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

SUITE = Path(__file__).resolve().parents[1] / "hidden" / "02" / "conftest.py"


def test_no_two_tests_have_one_port() -> None:
    """Also where chance gives the same number again: that port would still be in TIME_WAIT."""
    spec = importlib.util.spec_from_file_location("suite_02", SUITE)
    assert spec is not None
    assert spec.loader is not None
    suite = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(suite)
    taken: set[int] = set()
    ports = [suite.unused_port(random.Random(1), taken) for _ in range(20)]
    assert len(set(ports)) == 20
    assert taken >= set(ports)
