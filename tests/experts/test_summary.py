from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.experts.made import recorded
from workbench.experts.summary import summarise


def test_a_summary_of_two_layers():
    """Four image experts, one text expert that images do not use, one that nobody uses."""
    image, text = [0.25, 0.25, 0.25, 0.25, 0, 0], [0, 0, 0, 0, 1, 0]
    found = recorded(image, text, pairs=100, layers=2)
    found = replace(
        found,
        kept=found.kept * np.array([0.9, 0.5]),
        entropy=found.tokens * np.array([[0.2, 0.1], [0.4, 0.3]]),
    )
    first, second = summarise(found, draws=100)
    assert (first.layer, second.layer) == (1, 3)
    assert first.jsd_bits == pytest.approx(1) and first.nmi == pytest.approx(1)
    assert first.jsd_interval == pytest.approx((1, 1)) and first.jsd_by_chance < 0.2
    assert first.mutual_bits == pytest.approx(-0.2 * math.log2(0.2) - 0.8 * math.log2(0.8))
    assert first.text_share == pytest.approx(0.2) and first.overlap == 0
    assert first.effective_experts == pytest.approx({"image": 4, "text": 1}, abs=0.02)
    assert first.dropped == pytest.approx({"image": 0.1, "text": 0.5})
    assert second.entropy_local == pytest.approx({"image": 0.4, "text": 0.3})
    assert first.entropy_global == pytest.approx({"image": math.log(4), "text": 0}, abs=0.01)
    assert first.dead_experts == (5,) and first.tokens == {"image": 1600, "text": 400}


def test_nothing_recorded_has_no_summary():
    assert summarise(recorded([1, 0], [0, 1], pairs=0)) == ()


def test_images_alone_are_summed_up_without_a_comparison():
    (only,) = summarise(recorded([0.5, 0.5], [1, 0], pairs=30, tokens=(8, 0)), draws=20)
    assert math.isnan(only.jsd_bits) and math.isnan(only.jsd_interval[0])
    assert only.effective_experts["image"] == pytest.approx(2, abs=0.02)
    assert math.isnan(only.effective_experts["text"]) and only.tokens["text"] == 0
