from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.experts.made import of_inputs, recorded
from workbench.errors import InputError


def test_figures_of_a_small_recording():
    hard = np.array([[[3, 1]], [[0, 2]], [[4, 0]]], np.float32)
    kept = np.array([[3], [2], [2]], np.float32)
    found = of_inputs(np.array([0, 0, 1]), np.array([0, 1, 0], np.int8), hard, hard, kept=kept)
    assert found.experts == 2 and found.layers.tolist() == [1] and found.at(1) == 0
    assert found.loads.tolist() == [[[7, 0], [1, 2]]]
    assert found.text_share.tolist() == [0.2]
    assert np.allclose(found.dropped, [[3 / 8, 0]])


def test_a_modality_without_tokens_has_no_share():
    hard = np.ones((1, 1, 2), np.float32)
    found = of_inputs(np.zeros(1, np.int64), np.zeros(1, np.int8), hard, hard)
    assert found.dropped[0, 0] == 0 and np.isnan(found.dropped[0, 1])
    empty = of_inputs(np.zeros(0, np.int64), np.zeros(0, np.int8), hard[:0], hard[:0])
    assert np.isnan(empty.text_share).all() and len(empty.inputs) == 0


def test_what_does_not_fit_is_refused():
    found = recorded([0.5, 0.5], [0.5, 0.5], pairs=3)
    with pytest.raises(InputError, match=r"kept.*\(1, 2, 2\)"):
        replace(found, kept=found.kept[:, :1])
    with pytest.raises(InputError, match="at least 0"):
        replace(found, loads=-found.loads)
    with pytest.raises(InputError, match=r"0 .image. or 1"):
        replace(found.inputs, modality=found.inputs.modality + 2)
    with pytest.raises(InputError, match="one of 1, got 2"):
        found.at(2)
    with pytest.raises(InputError, match="1 to 2"):
        replace(found, top_k=3)
