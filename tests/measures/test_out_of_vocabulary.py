from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.measures import out_of_vocabulary
from workbench.measures.out_of_vocabulary import best_outside


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_leads_worked_by_hand():
    # classes along x and y, words at (.6, .8) and along z
    inside, outside = unit([[1, 0, 0], [0, 1, 0]]), unit([[0.6, 0.8, 0], [0, 0, 1]])
    images = unit([[0.6, 0.8, 0], [1, 0, 0], [0, 0.6, 0.8]])
    found = best_outside(images, inside, outside)
    assert found.word.tolist() == [0, 0, 1]
    assert found.lead == pytest.approx([1 - 0.8, 0.6 - 1, 0.8 - 0.6], abs=1e-6)
    assert found.beyond(10.1).tolist() == [True, False, True]  # .2 of 10.1 is above 2 logits
    assert found.beyond(9.9).tolist() == [False, False, False]


def test_blocks_do_not_matter(monkeypatch):
    rng = np.random.default_rng(0)
    images, inside, outside = (unit(rng.normal(size=(n, 8))) for n in (101, 7, 13))
    whole = best_outside(images, inside, outside)
    monkeypatch.setattr(out_of_vocabulary, "_CELLS", 100)
    parts = best_outside(images.astype(np.float16), inside, outside)
    assert parts.lead == pytest.approx(whole.lead, abs=2e-3)
    slow = [max(x @ w for w in outside) - max(x @ c for c in inside) for x in images]
    assert whole.lead == pytest.approx(slow, abs=1e-5)


def test_without_words_or_images_nothing_is_outside():
    nothing = np.empty((0, 2), np.float32)
    found = best_outside(unit([[1, 0]]), unit([[0, 1]]), nothing)
    assert found.word.tolist() == [-1] and not found.beyond(100).any()
    assert len(best_outside(nothing, unit([[0, 1]]), unit([[1, 0]])).word) == 0


def test_vectors_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="one length"):
        best_outside(unit([[1, 0]]), unit([[1, 0, 0]]), unit([[1, 0]]))
    with pytest.raises(InputError):
        best_outside(unit([[1, 0]]), np.empty((0, 2), np.float32), unit([[1, 0]]))
