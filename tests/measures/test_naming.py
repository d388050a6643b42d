from __future__ import annotations

import pytest

from workbench.measures.interval import Measure
from workbench.measures.naming import worded

NAN = float("nan")


@pytest.mark.parametrize(
    ("name", "measure", "words"),
    [
        ("top1", Measure(0.8124, 0.7991, 0.8239, 10), "81.2% (79.9 to 82.4)"),
        ("ece", Measure(0.1, 0.09, 0.11, 10), "0.100 (0.090 to 0.110)"),
        ("classwise_ece", Measure(0.0234, NAN, NAN, 10), "0.023"),
        ("top1", Measure(NAN, NAN, NAN, 0), "n/a"),
        ("another", Measure(2.5, NAN, NAN, 3), "2.500"),
    ],
)
def test_measures_are_written_with_their_interval(name, measure, words):
    assert worded(name, measure) == words
